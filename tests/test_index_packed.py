"""The packed engine gives sentence-transformers' own vectors, whatever the text.

Near to them in int8, as the bundled model is used, and all but exactly in the model's own numbers.
"""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tiny_models import tiny_model

from index.embedder import Embedder, FloatArray
from index.models import load_embedder
from index.packed import PackedBert, Workers, _groups, _rounded, packed_or_none
from index.query_cache import QueryCache

PIECES = [
    "水利",
    "設施",
    "𠮷野家",
    "👩‍👩‍👧",
    "é",
    "e\u0301",
    "\u3000",
    "  ",
    "\n",
    "ＡＢＣ",
    "</s>",
    "<unk>",
]
TEXTS = st.one_of(
    st.text(st.characters(exclude_categories=["Cs"]), max_size=60),
    st.lists(st.sampled_from(PIECES), max_size=30).map("".join),
)
LENGTHS = (0, 1, 2, 7, 15, 16, 17, 63, 64, 65, 200, 333, 511, 900)


@pytest.fixture(scope="module")
def packed() -> Embedder:
    embedder = load_embedder()
    assert isinstance(embedder._engine, PackedBert)
    return embedder


@pytest.fixture(scope="module")
def library(packed: Embedder) -> Embedder:
    """The same model without the engine."""
    return Embedder(packed._model, name="library", revision="1")


def cosines(some: FloatArray, others: FloatArray) -> FloatArray:
    products: FloatArray = (some * others).sum(axis=1)
    return products


@pytest.fixture(scope="module")
def in_floats(packed: Embedder) -> Embedder:
    """The engine without products in int8."""
    model: Any = packed._model
    engine = PackedBert(model[0].auto_model)
    return Embedder(model, name="floats", revision="1", engine=engine)


@given(texts=st.lists(TEXTS, min_size=1, max_size=4))
@settings(max_examples=15, deadline=None)
def test_any_texts_have_the_vectors_of_the_library(
    in_floats: Embedder, library: Embedder, texts: list[str]
) -> None:
    packed = in_floats
    mine = dict(packed.encode_passage_tokens(texts))
    theirs = dict(library.encode_passage_tokens(texts))
    assert sorted(mine) == sorted(theirs) == list(range(len(texts)))
    for at, one in mine.items():
        assert one.vector @ theirs[at].vector > 0.999
        assert one.tokens.spans.tolist() == theirs[at].tokens.spans.tolist()
        assert cosines(one.tokens.vectors, theirs[at].tokens.vectors).min(initial=1.0) > 0.995
    assert cosines(packed.encode_passages(texts), library.encode_passages(texts)).min() > 0.999
    assert cosines(packed.encode_queries(texts), library.encode_queries(texts)).min() > 0.999


def test_texts_of_all_lengths_have_the_vectors_of_the_library(
    packed: Embedder, in_floats: Embedder, library: Embedder
) -> None:
    texts = [("引證水利設施的歷史自古有之" * 100)[:length] for length in LENGTHS]
    expected = library.encode_passages(texts)
    for embedder, least in ((in_floats, 0.9999), (packed, 0.995)):
        found = embedder.encode_passages(texts)
        assert found.dtype == np.float32
        assert np.allclose(np.linalg.norm(found, axis=1), 1, atol=1e-5)
        assert cosines(found, expected).min() > least


@given(texts=st.lists(TEXTS, min_size=1, max_size=4))
@settings(max_examples=15, deadline=None)
def test_int8_is_near_to_the_library_and_has_the_tokens_where_they_stand(
    packed: Embedder, library: Embedder, texts: list[str]
) -> None:
    mine = dict(packed.encode_passage_tokens(texts))
    theirs = dict(library.encode_passage_tokens(texts))
    for at, one in mine.items():
        assert one.vector @ theirs[at].vector > 0.95
        assert one.tokens.spans.tolist() == theirs[at].tokens.spans.tolist()
        assert cosines(one.tokens.vectors, theirs[at].tokens.vectors).min(initial=1.0) > 0.8


def test_a_text_has_the_same_vectors_in_any_company(packed: Embedder) -> None:
    texts = [f"第{n}篇說的是{'水利' * (n % 40)}。" for n in range(60)]
    together = dict(packed.encode_passage_tokens(texts))
    for at in (0, 1, 39, 59):
        [(_, alone)] = packed.encode_passage_tokens([texts[at]])
        assert alone.vector @ together[at].vector > 0.9999
        tokens = cosines(alone.tokens.vectors, together[at].tokens.vectors)
        assert tokens.min() > 0.999
    counts = packed.token_counts(texts)
    assert counts == [len(together[at].tokens.vectors) for at in range(len(texts))]


def test_questions_together_have_the_vectors_they_have_alone(packed: Embedder) -> None:
    questions = [f"第{n}個問題問的是甚麼？" for n in range(20)]
    together = packed.encode_queries_tokens([*questions, questions[0]])
    assert len(together) == 21
    assert together[20] is together[0]
    alone = Embedder(packed._model, name="a", revision="1", engine=packed._engine)
    for question, found in zip(questions, together, strict=False):
        assert alone.encode_query_tokens(question).vector @ found.vector > 0.9999


def test_a_question_asked_again_is_not_computed_again(packed: Embedder) -> None:
    first = packed.encode_query_tokens("水利設施在哪裏？")
    assert packed.encode_query_tokens("水利設施在哪裏？") is first
    with pytest.raises(ValueError, match="read-only"):
        first.vector[0] = 1


def test_the_cache_of_questions_keeps_what_was_used_last(packed: Embedder) -> None:
    encoded = packed.encode_query_tokens("一")
    size = encoded.vector.nbytes + encoded.tokens.vectors.nbytes + encoded.tokens.spans.nbytes
    cache = QueryCache(most_bytes=2 * (size + 1))
    for query in "甲乙":
        cache.put(query, encoded)
    assert cache.get("甲") is encoded
    cache.put("丙", encoded)
    assert [cache.get(query) is not None for query in "甲乙丙"] == [True, False, True]


@pytest.fixture
def tiny(tmp_path: Path) -> Any:
    from sentence_transformers import SentenceTransformer

    return SentenceTransformer(str(tiny_model(tmp_path / "tiny")), local_files_only=True)


def test_scores_too_large_for_exp_are_computed_the_long_way(tiny: Any) -> None:
    own = tiny[0].auto_model.encoder.layer[0].attention.self
    own.query.weight.data *= 3000
    own.key.weight.data *= 3000
    texts = ["甲乙文件", "講網络水利。" * 4]
    ids = tiny.tokenizer(texts)["input_ids"]
    found = PackedBert(tiny[0].auto_model).forward(ids)
    theirs = tiny.encode(texts)
    assert np.isfinite(found.vectors).all()
    assert np.allclose(found.vectors, theirs, atol=1e-4)


@given(lengths=st.lists(st.integers(1, 512), max_size=200).map(lambda drawn: sorted(drawn)[::-1]))
def test_groups_hold_every_row_once_in_few_sizes(lengths: list[int]) -> None:
    groups = _groups(lengths)
    assert [one.length for one in groups for _ in range(one.texts)] == lengths
    starts = [sum(lengths[:at]) for at in range(len(lengths))]
    firsts = [sum(one.texts for one in groups[:at]) for at in range(len(groups))]
    assert [one.start for one in groups] == [starts[at] for at in firsts]
    assert len({one.texts for one in _groups([7] * 999)} | {1, 2, 3}) < 12
    assert all(length <= _rounded(length) < length + 16 for length in lengths)
    assert len({_rounded(length) for length in range(1, 513)}) == 8 + 28


def test_a_model_of_other_arithmetic_has_no_engine(tiny: Any) -> None:
    assert packed_or_none(tiny) is not None
    tiny[0].auto_model.config.hidden_act = "relu"
    assert packed_or_none(tiny) is None
    tiny[0].auto_model.config.hidden_act = "gelu"
    tiny[0].auto_model.encoder.layer[0].register_forward_hook(lambda _m, _i, output: -output)
    assert packed_or_none(tiny) is None, "its vectors are not the engine's"


def test_workers_give_results_in_the_order_of_the_jobs_and_begin_few_ahead() -> None:
    begun: list[int] = []

    def jobs() -> Iterator[int]:
        for n in range(100):
            begun.append(n)
            yield n

    workers = Workers()
    results = workers.run(lambda n: n * n, jobs())
    assert next(results) == 0
    assert len(begun) == 2 * workers.count + 1
    assert list(results) == [n * n for n in range(1, 100)]


def test_a_failure_of_a_worker_reaches_the_caller() -> None:
    with pytest.raises(ZeroDivisionError):
        list(Workers().run(lambda n: 1 // n, [1, 0]))


def test_workers_leave_the_cores_of_other_threads_alone() -> None:
    import torch

    before = torch.get_num_threads()
    assert list(Workers().run(lambda _: torch.get_num_threads(), range(4))) == [1] * 4
    assert torch.get_num_threads() == before
