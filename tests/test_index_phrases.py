"""The reader that comes with the bundled model: what it finds, and when its file is another."""

import pytest

from index import ModelDamagedError, fold, phrases
from index.embedder import Embedder
from index.models import load_embedder
from index.packed import PackedBert
from index.phrases import bundled_reader
from index.splitter import sentences
from index.types import Phrase, Shown

TEXT = (
    "這座水庫於1958年動工，1961年完工，由總工程師林書豪主持設計。大壩高87.5公尺，全長412公尺。"
    "水庫位於清溪上游，主要用於灌溉、防洪和供水。因為上游來沙很多，庫容每年減少百分之一。"
)


@pytest.fixture(scope="module")
def embedder() -> Embedder:
    found = load_embedder()
    if not found.can_read:
        pytest.skip("the packed engine does not run here, so that nothing reads")
    return found


def shown(text: str) -> Shown:
    folded = fold(text)
    spans = sentences(folded, 0, len(folded))
    return Shown(folded, spans, 0, len(spans))


def best(embedder: Embedder, question: str, text: str = TEXT) -> Phrase:
    (found,) = embedder.read_phrases(fold(question), [shown(text)])
    return max((one for one in found if one is not None), key=lambda phrase: phrase.score)


@pytest.mark.parametrize(
    ("question", "expected"),
    [
        ("水庫是哪一年動工的？", "1958年"),
        ("水庫哪一年完工？", "1961年"),
        ("大壩有多高？", "87.5公尺"),
        ("大壩有多長？", "412公尺"),
        ("谁主持了水库的设计？", "林書豪"),
        ("How high is the dam?", "87.5公尺"),
    ],
)
def test_the_phrase_that_answers_is_found(embedder: Embedder, question: str, expected: str) -> None:
    found = best(embedder, question)
    phrase = TEXT[found.start : found.end]
    assert expected in phrase
    assert len(phrase) < len(TEXT) / 4


def test_what_is_not_there_is_told(embedder: Embedder) -> None:
    there = best(embedder, "大壩有多高？").score
    assert best(embedder, "水庫的門票多少錢？").score < there
    assert (
        best(embedder, "大壩有多高？", "今天的會議討論了明年的預算。與會者都表示贊成。").score
        < there
    )


def test_each_sentence_has_its_own_phrase(embedder: Embedder) -> None:
    text = shown(TEXT)
    (found,) = embedder.read_phrases(fold("大壩有多高？"), [text])
    assert len(found) == len(text.sentences) == 4
    for place, phrase in zip(text.sentences, found, strict=True):
        assert phrase is not None
        assert place.start <= phrase.start < phrase.end <= place.end


def test_texts_are_read_the_same_alone_and_in_company(embedder: Embedder) -> None:
    question = fold("大壩有多高？")
    texts = [shown(TEXT), shown(TEXT[:40]), shown(TEXT[45:]), shown("沒有。")]
    together = embedder.read_phrases(question, texts)
    for text, found in zip(texts, together, strict=True):
        (alone,) = embedder.read_phrases(question, [text])
        for mine, other in zip(found, alone, strict=True):
            assert mine is not None
            assert other is not None
            assert (mine.start, mine.end) == (other.start, other.end)
            assert mine.score == pytest.approx(other.score, abs=0.05)


def test_a_damaged_reader_is_an_error_with_the_next_step(
    embedder: Embedder, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(phrases, "READER_SHA256", "0" * 64)
    assert isinstance(embedder._engine, PackedBert)
    with pytest.raises(ModelDamagedError, match="Install Yinzheng again"):
        bundled_reader(embedder._engine, embedder._tokenise)
