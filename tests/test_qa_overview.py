"""An index in numbers, counted again by brute force."""

from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest

from index import Index, build_index, open_index
from qa.overview import histogram, overview_of, passage_shares

TEXTS = {
    "一.md": "# 水利\n\n甲地修渠。乙地筑坝！\n\n## 灌溉\n\n丙地引水灌田，三年而成。",
    "二.txt": "𠮷田氏之事，不可考。",
    "三.md": "# 会议\n\n第一项。\n\n第二项。第三项？\n\n第四项。\n\n第五项。",
}


@pytest.fixture(scope="module")
def index(tmp_path_factory: pytest.TempPathFactory, tiny: Path) -> Iterator[Index]:
    folder = tmp_path_factory.mktemp("overview")
    for name, text in TEXTS.items():
        (folder / name).write_text(text, encoding="utf-8")
    build_index(folder, index_dir=folder / "index", model=str(tiny))
    with open_index(folder / "index") as opened:
        yield opened


def test_the_numbers_are_those_counted_by_hand(index: Index) -> None:
    overview = overview_of(index)
    ids = [one[0] for one in index.document_list()]
    passages = [passage for id_ in ids for passage in index.passages_of(id_)]
    assert overview.info.documents == len(ids) == len(TEXTS)
    assert overview.info.passages == len(passages)
    assert overview.size.sentences == sum(len(one.sentences) for one in passages)
    assert overview.size.characters == sum(len(index.document(id_).text) for id_ in ids)
    assert overview.titles == {id_: index.document(id_).title for id_ in ids}


def test_the_bytes_are_those_on_the_disk(index: Index) -> None:
    folder = Path(index.info.index_dir) / "generations" / index.generation
    parts = overview_of(index).size.bytes_by_part
    segment = folder / "segments" / "0"
    inside = {path.name for path in segment.iterdir()}
    assert set(parts) == inside | {path.name for path in folder.iterdir()} - {"segments"}
    for name, size in parts.items():
        part = segment / name if name in inside else folder / name
        files = [part] if part.is_file() else [one for one in part.rglob("*") if one.is_file()]
        assert size == sum(one.stat().st_size for one in files)
    assert sum(parts.values()) == index.info.bytes_on_disk


def test_characters_are_counted_over_many_documents(tmp_path: Path, tiny: Path) -> None:
    # More than are counted together.
    for number in range(70):
        (tmp_path / f"{number}.txt").write_text("字" * (number + 1), encoding="utf-8")
    build_index(tmp_path, index_dir=tmp_path / "index", model=str(tiny))
    with open_index(tmp_path / "index") as index:
        assert overview_of(index).size.characters == sum(range(1, 71))


def test_each_documents_passages_follow_one_another(index: Index) -> None:
    ranges = index.passage_ranges()
    expected = {one[0]: [p.id for p in index.passages_of(one[0])] for one in index.document_list()}
    assert {id_: list(ids) for id_, ids in ranges.items()} == expected
    assert [at for ids in ranges.values() for at in ids] == list(range(len(index)))


def test_the_vectors_are_those_that_are_searched(index: Index) -> None:
    ids = [len(index) - 1, 0, 2]
    vectors = index.passage_vectors(ids)
    assert vectors.shape == (3, index.info.dimension)
    for passage_id, vector in zip(ids, vectors, strict=True):
        np.testing.assert_allclose(index.dense_scores(vector, [passage_id]), 1, atol=1e-5)
    assert index.passage_vectors([]).shape == (0, index.info.dimension)
    for outside in (-1, len(index)):
        with pytest.raises(IndexError, match="outside"):
            index.passage_vectors([0, outside])


def test_the_largest_documents_and_the_rest_are_all_documents(index: Index) -> None:
    overview = overview_of(index)
    shares = passage_shares(overview, 2)
    assert [one.title for one in shares.largest] == ["会议", "水利"]
    assert shares.other_documents == 1
    shown = sum(one.passages for one in shares.largest)
    assert shown + shares.other_passages == overview.info.passages
    assert passage_shares(overview, 3).other_documents == 0


def test_a_histogram_counts_every_value_once() -> None:
    values = [-1.0, 0.0, 0.049, 0.05, 0.5, 0.999, 1.0, 2.0]
    found = histogram(values, low=0.0, high=1.0, bins=20)
    counted = [0] * 20
    for value in values:
        counted[min(19, max(0, int(value * 20)))] += 1
    assert list(found.counts) == counted
    assert found.edges == pytest.approx([step / 20 for step in range(21)])
