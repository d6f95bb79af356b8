"""Add, update, remove: the index that comes out is the one built of the same documents at once."""

import hashlib
import os
import shutil
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path

import numpy as np
import numpy.typing as npt
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from tiny_models import tiny_model

from index import (
    BuildReport,
    DocumentError,
    IndexDamagedError,
    IndexFormatError,
    IndexNotFoundError,
    ModelMismatchError,
    add_documents,
    build_index,
    fold,
    list_documents,
    open_index,
    remove_documents,
    terms,
    update_documents,
)
from index.embedder import Embedder
from index.lexical import LexicalIndex
from index.part_vectors import PartVectorStore
from index.reading import read
from index.splitter import CountTokens
from index.store import Entry
from index.types import Span
from qa import retrieve

SECRET = "甲乙丙丁祕密之言"


@pytest.fixture(scope="module")
def tiny(tmp_path_factory: pytest.TempPathFactory) -> str:
    return str(tiny_model(tmp_path_factory.mktemp("model") / "tiny"))


@pytest.fixture
def model(tiny: str, monkeypatch: pytest.MonkeyPatch) -> str:
    monkeypatch.setenv("YINZHENG_MODEL", tiny)
    return tiny


@pytest.fixture
def docs(tmp_path: Path) -> Path:
    folder = tmp_path / "docs"
    folder.mkdir()
    return folder


def write(folder: Path, **texts: str) -> Path:
    for name, text in texts.items():
        (folder / f"{name}.txt").write_text(text, encoding="utf-8")
    return folder


def generation_of(index_dir: Path) -> Path:
    with open_index(index_dir) as index:
        index.verify()
        return index_dir / "generations" / index.generation


def digests(index_dir: Path, *names: str) -> dict[str, str]:
    """The SHA-256 of the files of some views."""
    folder = generation_of(index_dir)
    files = [path for name in names for path in sorted(folder.glob(name))]
    assert files
    return {
        path.relative_to(folder).as_posix(): hashlib.sha256(path.read_bytes()).hexdigest()
        for path in files
    }


def stored(index_dir: Path) -> dict[str, object]:
    """Every document and passage with what is known of it; not when it was indexed: history."""
    with open_index(index_dir) as index:
        every = range(len(index))
        keys = index.duplicate_keys(every)
        return {
            "documents": [index.document(info.id) for info in index.documents()],
            "details": [replace(one, indexed="") for one in index.document_details()],
            "passages": index.get_passages(every),
            "of documents": [index.passages_of(info.id) for info in index.documents()],
            "ranges": list(index.passage_ranges().items()),
            "keys": keys,
            "repeats": index.repeats(list(dict.fromkeys(keys))),
        }


def vectors(index_dir: Path) -> list[npt.NDArray[np.float32]]:
    """The vectors of every passage, of its tokens with their places, and of its sentences."""
    with open_index(index_dir) as index:
        found = [index.passage_vectors(range(len(index)))]
        for passage_id in range(len(index)):
            tokens = index.token_vectors(passage_id)
            found += [tokens.vectors, tokens.spans.astype(np.float32)]
            found.append(index.sentence_vectors(passage_id))
        return found


def answers(index_dir: Path) -> list[list[tuple[int, float]]]:
    """What comes first for some questions, with its score."""
    questions = ("網絡水利", "甲文件講", "文", "講。")
    found = [retrieve(question, index=index_dir, top_k=5) for question in questions]
    return [[(hit.passage.id, round(hit.score, 5)) for hit in hits] for hits in found]


def found_by_terms(index_dir: Path) -> dict[str, tuple[int, list[tuple[int, float]]]]:
    """For every term of the index, in how many passages it stands, and the hits it gives."""
    with open_index(index_dir) as index:
        passages = index.get_passages(range(len(index)))
        every = sorted({term for passage in passages for term in terms(passage.searchable)})
        return {
            term: (
                index.frequency(term),
                [(hit.passage_id, hit.score) for hit in index.search_lexical([term], 100)],
            )
            for term in every
        }


def assert_same(one: Path, other: Path) -> None:
    generation_of(one)
    assert stored(one) == stored(other)
    for mine, theirs in zip(vectors(one), vectors(other), strict=True):
        np.testing.assert_array_equal(mine, theirs)
    assert found_by_terms(one) == found_by_terms(other)
    assert answers(one) == answers(other)


def statuses(report: BuildReport) -> dict[str, str]:
    return {Path(file.path).stem: file.status for file in report.files}


# ---- the oracle: any history gives the index of a build at once ------------------------------

CONTENTS = [
    *("甲文件講網络水利。", "甲文件，講網絡水利", "乙文件。\n\n甲文件講網络水利。"),
    *("題目\n\n網络水利。文件！\n\n甲乙。", "文" * 150 + "。水利。", "講。\n\n講。\n\n甲。"),
    "\xff",  # not UTF-8 as it will be written: cannot be read
]
NAMES = ["a", "b", "c", "sub/d"]
EDITS = st.one_of(
    st.tuples(st.just("write"), st.sampled_from(NAMES), st.sampled_from(CONTENTS)),
    st.tuples(st.just("delete"), st.sampled_from(NAMES), st.just("")),
    st.tuples(st.just("rename"), st.sampled_from(NAMES), st.sampled_from(NAMES)),
)
CHANGES = st.one_of(
    st.tuples(st.just("build"), st.just(""), st.sampled_from(["", "rewrite", "fresh"])),
    st.tuples(st.just("add"), st.sampled_from(["", *NAMES]), st.just("")),
    st.tuples(st.just("update"), st.sampled_from(["", *NAMES]), st.sampled_from(["", "prune"])),
    st.tuples(st.just("remove"), st.sampled_from(NAMES), st.just("")),
)
STEPS = st.tuples(st.lists(EDITS, min_size=1, max_size=3), CHANGES)


@dataclass
class History:
    """An index, and what it should hold."""

    folder: Path
    model: str
    held: dict[str, str] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self.docs.mkdir(parents=True)
        self.put("seed", "乙文件網络。")
        self.build("", "")

    @property
    def docs(self) -> Path:
        return self.folder / "docs"

    @property
    def index_dir(self) -> Path:
        return self.folder / "index"

    def path(self, name: str) -> Path:
        return self.docs / f"{name}.txt"

    def put(self, name: str, text: str) -> None:
        self.path(name).parent.mkdir(exist_ok=True)
        self.path(name).write_bytes(text.encode("latin-1" if text == "\xff" else "utf-8"))

    def on_disk(self) -> dict[str, str]:
        names = [
            p.relative_to(self.docs).with_suffix("").as_posix() for p in self.docs.rglob("*.*")
        ]
        return {
            name: self.path(name).read_bytes().decode("utf-8", "surrogateescape") for name in names
        }

    def readable(self) -> dict[str, str]:
        return {name: text for name, text in self.on_disk().items() if text != "\udcff"}

    def options(self) -> dict[str, object]:
        return {"index_dir": self.index_dir, "embedding_cache": self.folder / "kept.sqlite"}

    def write(self, name: str, text: str) -> None:
        self.put(name, text)

    def delete(self, name: str, _: str) -> None:
        self.path(name).unlink(missing_ok=True)

    def rename(self, name: str, to: str) -> None:
        if self.path(name).is_file():
            self.path(to).parent.mkdir(exist_ok=True)
            self.path(name).replace(self.path(to))

    def build(self, _: str, how: str) -> None:
        options = {how: True} if how else {}
        build_index(self.docs, model=self.model, **self.options(), **options)  # type: ignore[arg-type]
        self.held = self.readable()

    def add(self, name: str, _: str) -> None:
        path = self.path(name) if name else self.docs
        if not path.exists():
            with pytest.raises(DocumentError, match="does not exist"):
                add_documents(path, **self.options())  # type: ignore[arg-type]
            return
        add_documents(path, **self.options())  # type: ignore[arg-type]
        self.held |= {n: text for n, text in self.readable().items() if not name or n == name}

    def update(self, name: str, prune: str) -> None:
        if name and name not in self.held:
            with pytest.raises(DocumentError, match="holds no document"):
                update_documents(self.path(name), **self.options())  # type: ignore[arg-type]
            return
        wanted = self.path(name) if name else None
        update_documents(wanted, prune_missing=bool(prune), **self.options())  # type: ignore[arg-type]
        there, readable = self.on_disk(), self.readable()
        for one in [name] if name else list(self.held):
            if one in readable:
                self.held[one] = readable[one]
            elif one not in there and prune:
                del self.held[one]

    def remove(self, name: str, _: str) -> None:
        if name not in self.held:
            with pytest.raises(DocumentError, match="holds no document"):
                remove_documents(self.path(name), index_dir=self.index_dir)
            return
        remove_documents(self.path(name), index_dir=self.index_dir)
        del self.held[name]

    def built_at_once(self) -> Path:
        """An index of what should be held, at the same paths."""
        shutil.rmtree(self.docs)
        self.docs.mkdir()
        for name, text in self.held.items():
            self.put(name, text)
        options = {**self.options(), "index_dir": self.folder / "scratch"}
        build_index(self.docs, model=self.model, **options)  # type: ignore[arg-type]
        return self.folder / "scratch"


@settings(
    max_examples=15,
    deadline=None,
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.function_scoped_fixture],
)
@given(steps=st.lists(STEPS, min_size=1, max_size=4), share=st.sampled_from([0, 0, 1, 4]))
def test_any_history_gives_the_index_of_a_build_at_once(
    steps: list[tuple[list[tuple[str, str, str]], tuple[str, str, str]]],
    share: int,
    tiny: str,
    tmp_path_factory: pytest.TempPathFactory,
) -> None:
    folder = tmp_path_factory.mktemp("history")
    with pytest.MonkeyPatch.context() as patched:
        patched.setattr("index.segments._SHARE", share)  # at 0, many segments
        history = History(folder, tiny)
        for edits, change in steps:
            for name, subject, how in [*edits, change]:
                getattr(history, name)(subject, how)
        assert_same(history.index_dir, history.built_at_once())
    shutil.rmtree(folder)


def test_without_kept_embeddings_only_the_last_bits_differ(docs: Path, model: str) -> None:
    assert model
    index_dir, at_once = docs.parent / "index", docs.parent / "at-once"
    write(docs, a=CONTENTS[0], b=CONTENTS[4])
    build_index(docs, index_dir=index_dir)
    write(docs, b=CONTENTS[5], c=CONTENTS[3])
    add_documents(docs, index_dir=index_dir)
    build_index(docs, index_dir=at_once)
    assert stored(index_dir) == stored(at_once)
    with open_index(index_dir) as one, open_index(at_once) as other:
        for passage_id in range(len(one)):
            own, theirs = one.token_vectors(passage_id), other.token_vectors(passage_id)
            np.testing.assert_array_equal(own.spans, theirs.spans)
            np.testing.assert_allclose(own.vectors, theirs.vectors, atol=0.02)
            mine, yours = (index.sentence_vectors(passage_id) for index in (one, other))
            np.testing.assert_allclose(mine, yours, atol=0.02)
            vector = one.embedder.encode_passages(["x"])[0]
            mine, yours = (index.dense_scores(vector, [passage_id]) for index in (one, other))
            np.testing.assert_allclose(mine, yours, atol=1e-4)


def test_as_many_other_words_are_found(docs: Path, model: str) -> None:
    assert model
    index_dir, cache = docs.parent / "index", docs.parent / "kept.sqlite"
    for text in ("甲文件講網絡水利。", "利水。"):
        build_index(write(docs, a=text), index_dir=index_dir, embedding_cache=cache)
    build_index(docs, index_dir=docs.parent / "at-once", embedding_cache=cache)
    assert_same(index_dir, docs.parent / "at-once")


# ---- only what changed is read and embedded ------------------------------------------------------


class Counted:
    """What the embedder was asked for; the real one answers."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.passages: list[str] = []
        self.sentences: list[str] = []
        tokens, passages = Embedder.encode_passage_tokens, Embedder.encode_passages

        def encode_tokens(
            embedder: Embedder, texts: Sequence[str], sentences: Sequence[Sequence[Span]] = ()
        ) -> Iterator[object]:
            self.passages.extend(texts)
            return tokens(embedder, texts, sentences)

        def encode(embedder: Embedder, texts: Sequence[str]) -> object:
            self.sentences.extend(texts)
            return passages(embedder, texts)

        monkeypatch.setattr(Embedder, "encode_passage_tokens", encode_tokens)
        monkeypatch.setattr(Embedder, "encode_passages", encode)

    def take(self) -> tuple[list[str], list[str]]:
        found = sorted(self.passages), sorted(self.sentences)
        self.passages, self.sentences = [], []
        return found


@pytest.fixture
def counted(monkeypatch: pytest.MonkeyPatch) -> Counted:
    return Counted(monkeypatch)


def test_only_new_texts_are_embedded_and_each_once(
    docs: Path, model: str, counted: Counted
) -> None:
    assert model
    index_dir = docs.parent / "index"
    write(docs, a="甲文件。網络！\n\n水利。", b="乙文件。\n\n水利。", c="水利。")
    report = build_index(docs, index_dir=index_dir)
    found = counted.take()
    assert found == (
        sorted(fold(text) for text in ["甲文件。網络！", "水利。", "乙文件。"]),
        # What is a whole passage as well has its vector from there.
        sorted(fold(text) for text in ["甲文件。", "網络！"]),
    )
    assert (report.embedded, report.reused) == (3, 0)

    write(docs, a="甲文件。講！\n\n水利。")  # one sentence of one passage
    report = build_index(docs, index_dir=index_dir)
    changed = sorted(fold(text) for text in ["甲文件。", "講！"])
    assert counted.take() == ([fold("甲文件。講！")], changed)
    assert statuses(report) == {"a": "changed", "b": "unchanged", "c": "unchanged"}

    (docs / "b.txt").rename(docs / "z.txt")
    report = build_index(docs, index_dir=index_dir)
    assert counted.take() == ([], [])
    assert statuses(report) == {"a": "unchanged", "c": "unchanged", "z": "renamed"}
    (renamed,) = (file for file in report.files if file.status == "renamed")
    assert renamed.reason == f"It was {docs / 'b.txt'}."

    write(docs, d="乙文件。\n\n文件。")  # one passage of it is known
    report = add_documents(docs / "d.txt", index_dir=index_dir)
    assert counted.take() == ([fold("文件。")], [])
    assert statuses(report)["d"] == "new"


def test_nothing_changed_leaves_the_generation(docs: Path, model: str, counted: Counted) -> None:
    assert model
    index_dir = docs.parent / "index"
    write(docs, a="甲文件。", b="乙文件。")
    first = build_index(docs, index_dir=index_dir)
    counted.take()
    again = [
        build_index(docs, index_dir=index_dir),
        add_documents(docs / "a.txt", index_dir=index_dir),
        update_documents(index_dir=index_dir),
    ]
    assert [(report.is_new, report.generation) for report in again] == [
        (False, first.generation)
    ] * 3
    assert len(list((index_dir / "generations").iterdir())) == 1
    rewritten = build_index(docs, index_dir=index_dir, rewrite=True)
    assert rewritten.is_new
    assert counted.take() == ([], [])
    fresh = build_index(docs, index_dir=index_dir, fresh=True)
    assert (fresh.embedded, fresh.reused) == (2, 0)
    assert set(statuses(fresh).values()) == {"unchanged"}


def test_unchanged_files_are_not_parsed_again(
    docs: Path, model: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert model
    index_dir = docs.parent / "index"
    build_index(write(docs, a="甲文件。", b="乙文件。"), index_dir=index_dir)
    parsed: list[str] = []

    def noting(
        path: str, content: bytes, count: CountTokens, most: int, *, encoding: None, limits: None
    ) -> Entry:
        parsed.append(Path(path).name)
        return read(path, content, count, most, encoding=encoding, limits=limits)

    monkeypatch.setattr("index.gathering.read", noting)
    write(docs, b="乙文件講。")
    build_index(docs, index_dir=index_dir)
    assert parsed == ["b.txt"]


def test_another_way_of_reading_reads_again_and_embeds_what_came_out_otherwise(
    docs: Path, model: str, monkeypatch: pytest.MonkeyPatch, counted: Counted
) -> None:
    assert model
    index_dir = docs.parent / "index"
    build_index(write(docs, a="甲文件。", b="乙文件。"), index_dir=index_dir)
    counted.take()
    for module in ("reading", "gathering", "change"):
        monkeypatch.setattr(f"index.{module}.way_of_reading", lambda _=None: "another")
    report = build_index(docs, index_dir=index_dir)
    assert report.is_new
    assert counted.take() == ([], [])
    assert {file.reason for file in report.files} == {"Read again: not in the same way as before."}


def test_another_model_embeds_everything_and_changes_need_that_of_the_index(
    docs: Path, tiny: str, tmp_path: Path
) -> None:
    (tmp_path / "more").mkdir()
    other = str(tiny_model(tmp_path / "more" / "other", dimension=32))
    index_dir = tmp_path / "index"
    build_index(write(docs, a="甲文件。"), index_dir=index_dir, model=tiny)
    with pytest.raises(ModelMismatchError, match=r"made with .*tiny.*, but .*other .*32 dim"):
        update_documents(index_dir=index_dir, model=other)
    report = build_index(docs, index_dir=index_dir, model=other)
    assert (report.embedded, report.reused) == (1, 0)
    write(docs, b="乙文件。")
    add_documents(docs, index_dir=index_dir)  # without being told the model
    with open_index(index_dir) as index:
        assert (index.info.dimension, index.info.documents) == (32, 2)


# ---- deleting -----------------------------------------------------------------------------------


def test_what_is_removed_is_nowhere_in_the_generation(docs: Path, model: str) -> None:
    assert model
    index_dir = docs.parent / "index"
    write(docs, kept="乙文件講水利。", secret=f"{SECRET}。第二句。")
    build_index(docs, index_dir=index_dir)
    before = generation_of(index_dir)
    needles = [form.encode(c) for form in (SECRET, fold(SECRET)) for c in ("utf-8", "utf-16-le")]
    needles.append(b"secret.txt")
    pair = terms(SECRET)[-1]
    assert any(needle in path.read_bytes() for path in files(before) for needle in needles)
    assert LexicalIndex(before / "lexical").frequency(pair) == 1
    report = remove_documents(docs / "secret.txt", index_dir=index_dir)
    assert statuses(report) == {"kept": "unchanged", "secret": "removed"}
    assert "index prune" in report.notes[0]
    after = generation_of(index_dir)
    assert not [path for path in files(after) for n in needles if n in path.read_bytes()]
    assert LexicalIndex(after / "lexical").frequency(pair) == 0
    with open_index(index_dir) as index:
        assert len(index) == 1
        assert not index.versions_of_content("")[1:]
    assert [hit.passage.text for hit in retrieve(SECRET, index=index_dir)] == ["乙文件講水利。"]


def files(folder: Path) -> list[Path]:
    return [path for path in folder.rglob("*") if path.is_file()]


def test_everything_can_be_removed_and_added_again(docs: Path, model: str) -> None:
    assert model
    index_dir = docs.parent / "index"
    build_index(write(docs, a="甲文件。", b="乙文件。"), index_dir=index_dir)
    report = remove_documents("*", index_dir=index_dir)
    assert (report.documents, report.passages) == (0, 0)
    assert list_documents(index_dir) == []
    assert retrieve("甲", index=index_dir) == []
    add_documents(docs, index_dir=index_dir)
    assert [info.title for info in list_documents(index_dir)] == ["a", "b"]


def test_a_file_that_is_gone_or_broken_is_kept_and_told(docs: Path, model: str) -> None:
    assert model
    index_dir = docs.parent / "index"
    build_index(write(docs, a="甲文件。", b="乙文件。", c="講。"), index_dir=index_dir)
    (docs / "a.txt").unlink()
    (docs / "b.txt").write_bytes(b"\x01\x02\x03" * 20)
    report = update_documents(index_dir=index_dir)
    assert statuses(report) == {"a": "vanished", "b": "failed", "c": "unchanged"}
    assert not report.is_new
    (failed,) = report.failed
    assert failed.reason.startswith("b.txt: it is no text")
    assert failed.reason.endswith("What the index held of it is kept.")
    pruned = update_documents(index_dir=index_dir, prune_missing=True)
    assert statuses(pruned) == {"a": "removed", "b": "failed", "c": "unchanged"}
    assert [info.title for info in list_documents(index_dir)] == ["b", "c"]
    exact = build_index(docs, index_dir=index_dir)  # exactly what can be read now
    assert statuses(exact) == {"b": "failed", "c": "unchanged"}
    assert [info.title for info in list_documents(index_dir)] == ["c"]


# ---- what cannot be built on ---------------------------------------------------------------------


def test_a_damaged_generation_is_not_built_on(docs: Path, model: str) -> None:
    assert model
    index_dir = docs.parent / "index"
    build_index(write(docs, a="甲文件。", b="乙文件。"), index_dir=index_dir)
    good = digests(index_dir, "segments/0/vectors.faiss", "segments/0/tokens/*")
    path = generation_of(index_dir) / "segments/0/tokens" / "vectors.npy"
    content = bytearray(path.read_bytes())
    content[-1] ^= 1
    path.unlink()
    path.write_bytes(bytes(content))
    (docs / "more").mkdir()
    with pytest.raises(IndexDamagedError, match="altered"):
        add_documents(write(docs / "more", c="丙文件。"), index_dir=index_dir)
    (docs / "more" / "c.txt").unlink()
    report = build_index(docs, index_dir=index_dir)
    assert report.notes[0].startswith("Everything was read and embedded again.")
    assert (report.reused, report.is_new) == (0, True)
    assert digests(index_dir, "segments/0/vectors.faiss", "segments/0/tokens/*") == good


def test_an_older_format_is_built_anew(docs: Path, model: str) -> None:
    assert model
    index_dir = docs.parent / "index"
    build_index(write(docs, a="甲文件。"), index_dir=index_dir)
    manifest = generation_of(index_dir) / "manifest.json"
    manifest.write_text(manifest.read_text().replace('"format": 6', '"format": 3'))
    with pytest.raises(IndexFormatError, match="format 3"):
        update_documents(index_dir=index_dir)
    assert "format 3" in build_index(docs, index_dir=index_dir).notes[0]
    generation_of(index_dir)


def test_changes_need_an_index(docs: Path, model: str, tmp_path: Path) -> None:
    assert model
    write(docs, a="甲文件。")
    for change in (add_documents, remove_documents, update_documents):
        with pytest.raises(IndexNotFoundError, match="There is no index"):
            change(docs, index_dir=tmp_path / "none")


# ---- quantised token vectors ---------------------------------------------------------------------


@pytest.fixture(scope="module")
def long_text() -> str:
    """Enough tokens for a quantiser to learn from."""
    letters = np.random.default_rng(1).choice(list("甲乙文件講网络水利"), (600, 20)).tolist()
    return "\n\n".join("".join(row) + "。" for row in letters)


def test_codes_are_copied_and_new_ones_mean_the_same(
    docs: Path, model: str, long_text: str, counted: Counted
) -> None:
    assert model
    index_dir = docs.parent / "index"
    write(docs, long=long_text)
    report = build_index(docs, index_dir=index_dir, token_vectors="pq")
    assert report.token_vectors == "pq"
    (before,) = digests(index_dir, "segments/*/tokens/centroids.npy").values()
    old_codes = np.load(generation_of(index_dir) / "segments/0/tokens" / "codes.npy")
    counted.take()
    write(docs, a="水利水利水利。")
    report = add_documents(docs, index_dir=index_dir)
    assert counted.take() == ([fold("水利水利水利。")], [])
    assert (report.token_vectors, report.passages) == ("pq", 601)
    quantisers = digests(index_dir, "segments/*/tokens/centroids.npy")
    assert list(quantisers.values()) == [before] * 2, "a small segment beside the large one"
    codes = np.load(generation_of(index_dir) / "segments/0/tokens" / "codes.npy")
    np.testing.assert_array_equal(codes, old_codes)
    with open_index(index_dir) as index:
        encoded = dict(index.embedder.encode_passage_tokens([fold("水利水利水利。")]))[0]
        quantiser = PartVectorStore(generation_of(index_dir) / "segments/0/tokens").quantiser
        assert quantiser is not None
        expected = quantiser.decode(quantiser.encode(encoded.tokens.vectors))
        np.testing.assert_array_equal(index.token_vectors(0).vectors, expected)
    remove_documents(docs / "a.txt", index_dir=index_dir)
    codes = np.load(generation_of(index_dir) / "segments/0/tokens" / "codes.npy")
    np.testing.assert_array_equal(codes, old_codes)


def test_from_int8_to_codes_and_back(
    docs: Path, model: str, long_text: str, counted: Counted
) -> None:
    assert model
    write(docs, long=long_text)
    index_dir, at_once = docs.parent / "index", docs.parent / "at-once"
    cache = docs.parent / "kept.sqlite"
    build_index(docs, index_dir=index_dir, embedding_cache=cache)
    build_index(docs, index_dir=at_once, embedding_cache=cache, token_vectors="pq")
    counted.take()
    build_index(docs, index_dir=index_dir, token_vectors="pq")
    assert counted.take() == ([], [])
    assert_same(index_dir, at_once)
    report = build_index(docs, index_dir=index_dir)  # what codes left out is embedded again
    passages, sentences = counted.take()
    assert (len(passages), sentences, report.token_vectors) == (600, [], "int8")


def test_names_that_are_no_utf8_are_recognised(docs: Path, model: str) -> None:
    assert model
    index_dir = docs.parent / "index"
    (docs / os.fsdecode(b"\xb2\xe2.txt")).write_text("甲文件。", encoding="utf-8")
    build_index(docs, index_dir=index_dir)
    assert not build_index(docs, index_dir=index_dir).is_new
