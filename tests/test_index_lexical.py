"""BM25 against the formula, computed by hand and by brute force."""

import math
import random
from collections.abc import Sequence
from pathlib import Path

import pytest

from index import IndexDamagedError
from index.lexical import LexicalIndex, write_lexical


def test_a_hand_computed_example(tmp_path: Path) -> None:
    write_lexical(tmp_path, [["烏海", "網辦", "提升"], ["烏海", "烏海", "智治"], ["包頭"] * 6])
    index = LexicalIndex(tmp_path)
    # 3 passages of mean length 4; 烏海 stands in 2 of them: idf = ln(1 + (3-2+.5)/(2+.5)) = ln 1.6
    idf = 0.47000362924573563
    assert index.idf("烏海") == pytest.approx(idf)
    hits = index.search(["烏海"], 10)
    # length 3: k1·(1-b+b·3/4) = 1.2·0.8125 = 0.975; tf 1: 2.2/1.975, tf 2: 4.4/2.975
    assert [hit.passage_id for hit in hits] == [1, 0]
    expected = [idf * 4.4 / 2.975, idf * 2.2 / 1.975]
    assert [hit.score for hit in hits] == pytest.approx(expected, rel=1e-6)


def brute_force(passages: Sequence[Sequence[str]], query: Sequence[str]) -> list[float]:
    mean = sum(map(len, passages)) / len(passages)
    scores = []
    for passage in passages:
        score = 0.0
        for term in set(query):
            count = sum(term in other for other in passages)
            idf = math.log(1 + (len(passages) - count + 0.5) / (count + 0.5))
            tf = passage.count(term)
            score += idf * tf * 2.2 / (tf + 1.2 * (0.25 + 0.75 * len(passage) / mean))
        scores.append(score)
    return scores


def test_against_brute_force(tmp_path: Path) -> None:
    chance = random.Random(3)
    words = [f"詞{n}" for n in range(60)] + ["_雙字", "x" * 64]
    # Up to 40 terms tantivy stores lengths exactly; longer ones it rounds.
    passages = [chance.choices(words, k=chance.randint(1, 40)) for _ in range(200)]
    write_lexical(tmp_path, passages)
    index = LexicalIndex(tmp_path)
    for _ in range(20):
        query = chance.choices([*words, "無"], k=8)
        expected = brute_force(passages, query)
        hits = index.search(query, 200)
        assert {hit.passage_id for hit in hits} == {i for i, s in enumerate(expected) if s > 0}
        for hit in hits:
            assert hit.score == pytest.approx(expected[hit.passage_id], rel=1e-5)
        assert [hit.score for hit in hits] == sorted((hit.score for hit in hits), reverse=True)


def test_unknown_terms_and_empty_queries_find_nothing(tmp_path: Path) -> None:
    write_lexical(tmp_path, [["甲"], []])
    index = LexicalIndex(tmp_path)
    assert len(index) == 2
    assert index.search([], 5) == index.search(["乙"], 5) == []
    assert index.frequency("乙") == 0
    assert index.idf("乙") == pytest.approx(math.log(1 + 2.5 / 0.5))


def test_very_long_terms_find_themselves(tmp_path: Path) -> None:
    write_lexical(tmp_path, [["x" * 100_000], ["y"]])
    assert [hit.passage_id for hit in LexicalIndex(tmp_path).search(["x" * 100_000], 5)] == [0]


def test_a_missing_folder_is_named(tmp_path: Path) -> None:
    with pytest.raises(IndexDamagedError, match="nowhere"):
        LexicalIndex(tmp_path / "nowhere")


def test_alternatives_count_once(tmp_path: Path) -> None:
    passages = [["烏", "_烏海"], ["_包頭", "_頭市"], ["_包頭", "烏"], ["x"]]
    write_lexical(tmp_path, passages)
    index = LexicalIndex(tmp_path)
    bird_or_place = [("烏",), ("_烏海",), ("無",)]
    city = [("_包頭", "_頭市")]
    assert index.frequency_of_any(bird_or_place) == 2
    assert index.frequency_of_any(city) == 1
    # Kept from the first time on, and told apart from what is written alike.
    assert index.frequency_of_any(bird_or_place) == 2
    assert index.frequency_of_any([("_包頭",), ("_頭市",)]) == 2
    assert index.frequency_of_any([["_包頭", "_頭市"]]) == 1
    assert index.frequency_of_any([]) == index.frequency_of_any([("無",), ()]) == 0
    hits = index.search_any([(bird_or_place, 2.0), (city, 0.5), ([("無",)], 9.0)], 10)
    assert [(hit.passage_id, hit.score) for hit in hits] == [(0, 2.0), (2, 2.0), (1, 0.5)]
    assert index.search_any([], 10) == []
