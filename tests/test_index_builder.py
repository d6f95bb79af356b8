"""Files in, a generation out, and nothing lost on the way."""

import gc
import hashlib
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import filelock
import numpy as np
import pytest
from tampering import rewrite
from tiny_models import tiny_model

from index import (
    REPORT,
    DocumentError,
    Index,
    IndexBusyError,
    IndexDamagedError,
    IndexFallbackWarning,
    IndexFolderError,
    IndexNotFoundError,
    ModelError,
    ModelMismatchError,
    NoDocumentsError,
    SettingError,
    build_index,
    fold,
    open_index,
    terms,
)
from index.__main__ import main
from index.cleaner import clean
from qa import ask, retrieve

ROOT = Path(__file__).parent.parent


def write(folder: Path, **files: str) -> Path:
    folder.mkdir(exist_ok=True)
    for name, text in files.items():
        (folder / f"{name}.txt").write_text(text, encoding="utf-8")
    return folder


def titles(index: Index) -> list[str]:
    return [title for _, title, _, _ in index.document_list()]


def test_the_report(report_index: Index) -> None:
    info = report_index.info
    assert (info.documents, info.passages, len(report_index)) == (1, 15, 15)
    assert (info.model, info.dimension) == ("multilingual-e5-small", 384)
    ((document_id, title, path, passages),) = report_index.document_list()
    assert title == "內蒙古黨委政法委:以政法工作現代化筑牢祖國北疆安全穩定屏障"
    assert (Path(path), passages) == (REPORT, 15)
    document = report_index.document(document_id)
    assert document.content_hash == hashlib.sha256(REPORT.read_bytes()).hexdigest()
    report_index.verify()


def test_every_passage_and_sentence_is_a_slice_of_its_document(report_index: Index) -> None:
    ((document_id, *_),) = report_index.document_list()
    document = report_index.document(document_id)
    decoded = REPORT.read_text(encoding="utf-8")
    for passage in report_index.passages_of(document_id):
        assert document.text[passage.start : passage.end] == passage.text
        for sentence in passage.sentences:
            source = document.offsets.span_to_source(sentence)
            in_file = decoded[source.start : source.end]
            assert clean(in_file).text == document.text[sentence.start : sentence.end]


def test_all_views_hold_the_same_passages(report_index: Index) -> None:
    for passage in report_index.get_passages(range(15)):
        encoded = report_index.embedder.encode_query_tokens("x")  # any vector will do
        assert report_index.dense_scores(encoded.vector, [passage.id]).shape == (1,)
        own = report_index.embedder.encode_passages([fold(passage.searchable)])[0]
        ids, scores = report_index.search_dense(own, 1)
        assert ids.tolist() == [passage.id]
        assert scores[0] > 0.999
        assert report_index.search_lexical(terms(passage.text), 1)[0].passage_id == passage.id
        tokens = report_index.token_vectors(passage.id)
        assert tokens.spans.max() <= len(passage.searchable)
        # Mean pooling of the tokens' directions points where the passage's vector does.
        pooled = tokens.vectors.mean(axis=0)
        assert pooled @ own / np.linalg.norm(pooled) > 0.98


def test_a_rebuild_swaps_and_an_open_reader_goes_on(tmp_path: Path) -> None:
    folder = write(tmp_path / "docs", first="第一份文件講的是網絡安全。")
    index_dir = tmp_path / "index"
    build_index(folder, index_dir=index_dir)
    with open_index(index_dir) as old:
        write(folder, second="第二份文件講的是水利工程。")
        report = build_index([folder], index_dir=index_dir)
        assert report.documents == 2
        assert titles(old) == ["first"]
        assert old.get_passages([0])[0].text == "第一份文件講的是網絡安全。"
        with open_index(index_dir) as new:
            assert titles(new) == ["first", "second"]
            assert new.generation == report.generation != old.generation
    build_index(folder, index_dir=index_dir)
    assert len(list((index_dir / "generations").iterdir())) == 2


def test_a_bad_file_does_not_stop_the_others(tmp_path: Path) -> None:
    folder = write(tmp_path / "docs", good="好的文件。", empty=" \n")
    (folder / "bad.txt").write_bytes(b"\xff\xff\xff")
    report = build_index(folder, index_dir=tmp_path / "index")
    assert report.documents == 1
    assert [(Path(f.path).name, f.reason.split(":")[0]) for f in report.failed] == [
        ("bad.txt", "bad.txt"),
        ("empty.txt", "empty.txt holds no text. Check the file, or leave it out."),
    ]


def test_nothing_to_index_leaves_the_old_index(tmp_path: Path) -> None:
    index_dir = tmp_path / "index"
    build_index(write(tmp_path / "docs", a="甲文件。"), index_dir=index_dir)
    empty = write(tmp_path / "empty")
    with pytest.raises(NoDocumentsError, match="old index, if any, is unchanged"):
        build_index(empty, index_dir=index_dir)
    with pytest.raises(DocumentError, match="does not exist"):
        build_index(tmp_path / "missing", index_dir=index_dir)
    with open_index(index_dir) as index:
        assert titles(index) == ["a"]
    assert len(list((index_dir / "generations").iterdir())) == 1


def test_a_build_killed_half_way_leaves_the_old_index(tmp_path: Path) -> None:
    index_dir = tmp_path / "index"
    build_index(write(tmp_path / "docs", a="甲文件。"), index_dir=index_dir)
    many = write(tmp_path / "many", **{f"f{n}": f"第{n}份。" * 400 for n in range(60)})
    with subprocess.Popen(
        [sys.executable, "-m", "index", "build", str(many), "--index", str(index_dir)],
        cwd=ROOT,
        stderr=subprocess.DEVNULL,
        env=os.environ | {"COLUMNS": "80"},
    ) as process:
        deadline = time.monotonic() + 120
        while len(list(index_dir.glob("generations/*/segments/0/tokens"))) < 2:
            assert process.poll() is None
            assert time.monotonic() < deadline
            time.sleep(0.05)
        process.send_signal(signal.SIGKILL)
    assert len(list((index_dir / "generations").iterdir())) == 2
    with open_index(index_dir) as index:
        assert titles(index) == ["a"]
        index.verify()
    build_index(write(tmp_path / "docs", b="乙文件。"), index_dir=index_dir)
    with open_index(index_dir) as index:
        assert titles(index) == ["a", "b"]
    assert all((p / "manifest.json").is_file() for p in (index_dir / "generations").iterdir())


def test_names_that_are_no_utf8_are_indexed(tmp_path: Path) -> None:
    folder = write(tmp_path / "docs")
    (folder / os.fsdecode(b"\xb2\xe2.txt")).write_text("測試的內容。", encoding="utf-8")
    build_index(folder, index_dir=tmp_path / "index")
    with open_index(tmp_path / "index") as index:
        assert titles(index) == ["\ufffd\ufffd"]


def test_a_file_cannot_be_an_index_folder(tmp_path: Path) -> None:
    folder = write(tmp_path / "docs", a="甲文件。")
    with pytest.raises(IndexFolderError, match="cannot be used as an index folder"):
        build_index(folder, index_dir=folder / "a.txt")


def test_only_one_build_at_a_time(tmp_path: Path) -> None:
    docs = write(tmp_path / "docs", a="甲文件。")
    (tmp_path / "index").mkdir()
    with (
        filelock.FileLock(tmp_path / "index" / ".lock"),
        pytest.raises(IndexBusyError, match="Another process"),
    ):
        build_index(docs, index_dir=tmp_path / "index")


@pytest.fixture
def small_index(tmp_path: Path) -> Path:
    build_index(write(tmp_path / "docs", a="甲文件。"), index_dir=tmp_path / "index")
    return tmp_path / "index"


def test_a_missing_index_is_an_error_with_the_next_step(tmp_path: Path) -> None:
    with pytest.raises(IndexNotFoundError, match="python -m index build"):
        open_index(tmp_path / "nowhere")
    with pytest.raises(IndexNotFoundError):
        open_index()  # the default folder, empty in tests


@pytest.mark.parametrize(
    "name",
    [
        "places.npy",
        "segments/0/passages.sqlite",
        "segments/0/vectors.faiss",
        "segments/0/tokens/vectors.npy",
        "segments/0/tokens/bounds.npy",
        "manifest.json",
    ],
)
def test_a_missing_part_is_found_on_opening(small_index: Path, name: str) -> None:
    (path,) = small_index.glob(f"generations/*/{name}")
    path.unlink()
    with pytest.raises(IndexDamagedError, match=r"[Bb]uild"):
        open_index(small_index)


@pytest.mark.parametrize(
    "name",
    [
        *("segments/0/passages.sqlite", "segments/0/vectors.faiss"),
        *("segments/0/tokens/vectors.npy", "lexical/*.term"),
    ],
)
def test_an_altered_part_is_found_by_verify(small_index: Path, name: str) -> None:
    with open_index(small_index) as index:
        index.verify()
    (path,) = small_index.glob(f"generations/*/{name}")
    content = bytearray(path.read_bytes())
    content[len(content) // 3] ^= 1
    path.unlink()  # written in place it would change under the feet of whoever has it mapped
    path.write_bytes(bytes(content))
    with open_index(small_index) as index, pytest.raises(IndexDamagedError, match="altered"):
        index.verify()


def test_current_must_name_a_generation(small_index: Path) -> None:
    (small_index / "CURRENT").write_text("../../etc\n")
    with pytest.warns(IndexFallbackWarning, match="names a generation that is not there"):
        open_index(small_index).close()
    (generation,) = (small_index / "generations").iterdir()
    generation.rename(small_index / "generations" / "elsewhere")
    with pytest.raises(IndexDamagedError, match="not there"):
        open_index(small_index)


def test_another_model_is_a_clear_error(
    small_index: Path, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    (manifest,) = small_index.glob("generations/*/manifest.json")
    right = manifest.read_text()
    rewrite(manifest, model_revision="other-revision")
    with (
        open_index(small_index) as index,
        pytest.raises(ModelMismatchError, match=r"revision other-revision, 384 dim.*1571fc982750"),
    ):
        _ = index.embedder
    manifest.write_text(right)
    monkeypatch.setenv("YINZHENG_MODEL", "nobody/no-such-model")
    with (
        open_index(small_index) as index,
        pytest.raises(ModelMismatchError, match=r"no-such-model .*not on this machine.*Leave"),
    ):
        _ = index.embedder
    monkeypatch.setenv("YINZHENG_MODEL", str(tmp_path))
    with open_index(small_index) as index, pytest.raises(ModelError, match="not a usable"):
        _ = index.embedder


def test_the_model_is_loaded_and_frozen_once(small_index: Path) -> None:
    with open_index(small_index) as index:
        first = index.embedder
    frozen = gc.get_freeze_count()
    with open_index(small_index) as index:
        assert index.embedder is first
    assert gc.get_freeze_count() <= frozen
    assert gc.isenabled()


def test_any_sentence_transformers_folder_can_be_the_model(tmp_path: Path) -> None:
    folder = tiny_model(tmp_path / "tiny")
    docs = write(tmp_path / "docs", a="甲文件講網絡。", b="乙文件講水利。")
    build_index(docs, index_dir=tmp_path / "index", model=str(folder))
    with open_index(tmp_path / "index") as index:
        assert (index.info.model, index.info.dimension) == (str(folder.resolve()), 16)
        assert index.embedder.encode_queries(["水利"]).shape == (1, 16)
    with (
        open_index(tmp_path / "index", model="multilingual-e5-small") as index,
        pytest.raises(ModelMismatchError, match=r"16 dimensions.*multilingual-e5-small"),
    ):
        _ = index.embedder


def test_a_model_without_tokens_in_context_works_without_late_interaction(tmp_path: Path) -> None:
    from sentence_transformers import SentenceTransformer
    from sentence_transformers.sentence_transformer.modules import StaticEmbedding
    from tokenizers import Tokenizer
    from tokenizers.models import WordLevel
    from tokenizers.pre_tokenizers import Split

    tokenizer = Tokenizer(WordLevel({c: n for n, c in enumerate("?甲乙文件講网络水利。")}, "?"))
    tokenizer.pre_tokenizer = Split("", "isolated")
    # A character is like no other: with weights drawn by chance it was like another now and then.
    weights = np.eye(tokenizer.get_vocab_size(), dtype=np.float32)
    static = SentenceTransformer(modules=[StaticEmbedding(tokenizer, embedding_weights=weights)])
    static.save(str(tmp_path / "static"))
    docs = write(tmp_path / "docs", a="甲文件講網絡。", b="乙文件講水利。")
    build_index(docs, index_dir=tmp_path / "index", model=str(tmp_path / "static"))
    hits = retrieve("水利", index=tmp_path / "index")
    assert hits[0].passage.text == "乙文件講水利。"
    assert {hit.passage.text for hit in hits} == {"甲文件講網絡。", "乙文件講水利。"}
    assert ask("水利", index=tmp_path / "index").hits[0].passage.text == "乙文件講水利。"


@pytest.fixture(scope="module")
def long_document(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A document with enough tokens for a quantiser to learn from."""
    letters = np.random.default_rng(1).choice(list("甲乙文件講网络水利"), (600, 20)).tolist()
    path = tmp_path_factory.mktemp("long") / "long.txt"
    path.write_text("\n\n".join("".join(row) + "。" for row in letters), encoding="utf-8")
    return path


def test_quantised_tokens_are_near_the_int8_ones(
    tmp_path: Path, tiny: Path, long_document: Path
) -> None:
    stages: dict[str, tuple[int, int]] = {}
    for kind in ("int8", "pq"):
        report = build_index(
            long_document,
            index_dir=tmp_path / kind,
            model=str(tiny),
            token_vectors=kind,
            progress=lambda stage, done, total: stages.update({stage: (done, total)}),
        )
        assert (report.token_vectors, report.notes) == (kind, ())
    with open_index(tmp_path / "int8") as plain, open_index(tmp_path / "pq") as quantised:
        quantised.verify()
        assert (plain.info.token_vectors, quantised.info.token_vectors) == ("int8", "pq")
        assert quantised.info.bytes_on_disk < plain.info.bytes_on_disk
        total = 0
        for passage in plain.get_passages(range(len(plain))):
            exact, near = plain.token_vectors(passage.id), quantised.token_vectors(passage.id)
            np.testing.assert_array_equal(near.spans, exact.spans)
            assert np.einsum("ij,ij->i", near.vectors, exact.vectors).min(initial=1.0) > 0.9
            total += len(exact.vectors)
            for view in (plain, quantised):
                assert view.sentence_vectors(passage.id).shape == (len(passage.sentences), 16)
        assert stages["compress"] == (total, total)


def test_a_quantised_index_by_command(
    tmp_path: Path, tiny: Path, long_document: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    index_dir, docs = str(tmp_path / "index"), write(tmp_path / "docs", a="甲文件講水利。")
    build = ["build", "--index", index_dir, "--model", str(tiny), "--token-vectors", "pq"]
    assert main([*build, str(long_document)]) == 0
    assert main(["info", "--index", index_dir]) == 0
    out = capsys.readouterr().out
    assert "token vectors  pq\n" in out
    with open_index(index_dir) as index:
        text = index.get_passages([0])[0].text
    assert text in [hit.passage.text for hit in retrieve(text, index=index_dir)]
    assert main([*build, str(docs)]) == 0
    assert "Note: Token vectors are stored as int8: a product" in capsys.readouterr().err
    assert main(["info", "--index", index_dir]) == 0
    assert "token vectors  int8\n" in capsys.readouterr().out


def test_with_too_few_tokens_they_stay_int8(tmp_path: Path, tiny: Path) -> None:
    docs = write(tmp_path / "docs", a="甲文件講水利。")
    report = build_index(docs, index_dir=tmp_path / "index", model=str(tiny), token_vectors="pq")
    assert report.token_vectors == "int8"
    assert [note for note in report.notes if "9,984 tokens" in note] == list(report.notes) != []


def test_a_kind_that_cannot_be_is_an_error_before_the_work(tmp_path: Path) -> None:
    docs = write(tmp_path / "docs", a="甲文件。")
    with pytest.raises(SettingError, match=r"'pq8'\. Choose one of int8, pq"):
        build_index(docs, index_dir=tmp_path / "index", token_vectors="pq8")  # type: ignore[arg-type]
    odd = tiny_model(tmp_path / "odd", dimension=18)
    with pytest.raises(SettingError, match=r"have 18 numbers, .* by 4 .* as int8"):
        build_index(docs, index_dir=tmp_path / "index", model=str(odd), token_vectors="pq")
    assert not list((tmp_path / "index" / "generations").iterdir())


def test_the_manifest_and_the_files_must_agree(small_index: Path) -> None:
    (manifest,) = small_index.glob("generations/*/manifest.json")
    rewrite(manifest, token_vectors="pq")
    with pytest.raises(IndexDamagedError, match="are int8 of 384 dimensions, the manifest says pq"):
        open_index(small_index)
