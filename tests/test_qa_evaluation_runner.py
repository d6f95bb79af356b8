"""Whole evaluations of tiny sets, each figure against the public functions asked one by one."""

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest
from squad_files import LIBRARY, PARAGRAPHS, squad

from index import EvaluationError, Index, QuestionSetError, build_index, fold, open_index
from qa import ask
from qa.evaluation import Evaluation, evaluate, read_questions
from qa.evaluation.noise import Noise, add_noise, inject
from qa.evaluation.phrases import exact, f1


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("evaluation")


@pytest.fixture(scope="module")
def evaluation(folder: Path) -> Evaluation:
    path = squad(folder, "set.json", *PARAGRAPHS)
    return evaluate(path, embedding_cache=folder / "kept.sqlite")


@pytest.fixture(scope="module")
def town(folder: Path) -> Iterator[Index]:
    """The same documents as a user's own index."""
    (folder / "town").mkdir()
    for name, (context, _) in zip(
        ["library", "station", "park", "school"], PARAGRAPHS, strict=True
    ):
        (folder / "town" / f"{name}.txt").write_text(context, encoding="utf-8")
    build_index(folder / "town", index_dir=folder / "index")
    with open_index(folder / "index") as opened:
        yield opened


def write_csv(folder: Path, *rows: str) -> Path:
    path = folder / "own.csv"
    path.write_text("\n".join(["question,expected,document", *rows]), encoding="utf-8")
    return path


def test_every_outcome_is_what_ask_gives(evaluation: Evaluation, town: Index) -> None:
    asked = {id_: (q, a[0]) for _, qas in PARAGRAPHS for id_, q, a in qas if q.strip()}
    assert [outcome.id for outcome in evaluation.outcomes] == list(asked)
    for outcome in evaluation.outcomes:
        question, expected = asked[outcome.id]
        answer = ask(question, index=town, top_k=20)
        ranks = [n for n, h in enumerate(answer.hits, 1) if fold(expected) in fold(h.passage.text)]
        assert outcome.rank == ranks[0]
        # Other batches gave the two indexes their vectors.
        assert outcome.confidence == pytest.approx(answer.confidence, abs=0.02)
        quotes = [fold(citation.quote) for citation in answer.citations]
        assert outcome.is_first_right == any(fold(expected) in quote for quote in quotes[:1])
        assert outcome.is_any_right == any(fold(expected) in quote for quote in quotes)
        assert outcome.first_quote_characters == (len(quotes[0]) if quotes else None)
        folded = fold(expected)
        best = max([f1(quote, folded) for quote in quotes[:1]], default=0.0)
        assert outcome.f1_unread == pytest.approx(best)
        assert outcome.is_exact_unread == any(exact(quote, folded) for quote in quotes[:1])
        marked = [fold(one.answer or one.quote) for one in answer.citations[:1]]
        assert outcome.f1 == pytest.approx(max([f1(one, folded) for one in marked], default=0.0))
        assert outcome.is_exact == any(exact(one, folded) for one in marked)
        assert outcome.confidence_removed is not None
        assert 0 < outcome.seconds < 60


def test_a_question_that_stands_alone_is_no_follow_up_of_the_one_before(
    evaluation: Evaluation, town: Index, folder: Path
) -> None:
    assert evaluation.figures.changed is not None
    assert evaluation.figures.changed.mean == 0
    rows = ["車站是誰設計的？,設計,station.txt", "那圖書館呢？,圖書館,library.txt"]
    asked = evaluate(write_csv(folder, *rows), index=town.info.index_dir)
    assert [outcome.is_changed for outcome in asked.outcomes] == [False, True]
    assert asked.figures.changed is not None
    assert asked.figures.changed.mean == 0.5
    alone = evaluate(write_csv(folder, rows[0]), index=town.info.index_dir)
    assert alone.figures.changed is None


def test_removing_the_answer_is_seen(evaluation: Evaluation, folder: Path) -> None:
    """Asked of an index that was built without the document."""
    build_index(
        [folder / "town" / f"{name}.txt" for name in ("library", "park", "school")],
        index_dir=folder / "no-station",
        embedding_cache=folder / "kept.sqlite",
    )
    answer = ask("車站是誰設計的？", index=folder / "no-station")
    (outcome,) = [outcome for outcome in evaluation.outcomes if outcome.id == "3"]
    assert outcome.confidence_removed is not None
    assert outcome.confidence_removed == pytest.approx(answer.confidence, abs=1e-5)
    assert outcome.is_answered_removed == (answer.status == "answered")
    assert outcome.confidence_removed < outcome.confidence


def test_settings_and_figures(evaluation: Evaluation) -> None:
    settings, figures = evaluation.settings, evaluation.figures
    assert (settings.documents, settings.passages, settings.left_out) == (4, 4, 1)
    assert (settings.index, settings.limit, settings.unplaced) == (None, None, 0)
    assert settings.token_vectors == "int8"
    assert (figures.questions, figures.not_verbatim) == (5, 0)
    assert figures.recall_5.mean == figures.recall_20.mean == 1
    assert figures.abstention is not None
    assert figures.abstention.questions == 5
    assert figures.abstention.auroc > 0.5


def test_kept_embeddings_change_no_figure(folder: Path, evaluation: Evaluation) -> None:
    kept = evaluate(folder / "set.json", embedding_cache=folder / "kept.sqlite")
    plain = evaluate(folder / "set.json")
    timeless = [
        [replace(outcome, seconds=0) for outcome in run.outcomes]
        for run in (evaluation, kept, plain)
    ]
    assert timeless[0] == timeless[1] == timeless[2]


def test_questions_in_another_language(folder: Path) -> None:
    english = squad(folder, "en.json", ("Station.", [("3", "Who designed the station?", ["Li"])]))
    found = evaluate(english, contexts=folder / "set.json", embedding_cache=folder / "kept.sqlite")
    assert found.settings.documents == 1, "contexts of no question asked are left out"
    assert [outcome.rank for outcome in found.outcomes] == [1]
    assert found.outcomes[0].is_best_right
    assert found.outcomes[0].confidence_removed is None, "nothing else is indexed"
    assert found.figures.abstention is None


def test_the_same_questions_are_drawn_again(folder: Path, evaluation: Evaluation) -> None:
    cache = folder / "kept.sqlite"
    first, again = (evaluate(folder / "set.json", limit=2, embedding_cache=cache) for _ in range(2))
    drawn = [outcome.id for outcome in first.outcomes]
    assert drawn == [outcome.id for outcome in again.outcomes]
    assert len(drawn) == 2
    assert first.settings.documents == evaluation.settings.documents, "the others stay in the index"


def test_an_index_of_ones_own(folder: Path, town: Index) -> None:
    path = write_csv(
        folder,
        "車站是誰設計的？,李大同,station.txt",
        "馆长是谁？,王小明,",
        "校長是誰？,陳文,library.txt",
        "誰是市長？,趙無此人,",
    )
    found = evaluate(path, index=town.index_dir)
    named, unnamed, misplaced, unplaced = found.outcomes
    assert (named.rank, unnamed.rank, unplaced.rank) == (1, 1, None)
    assert misplaced.rank is not None
    assert misplaced.rank > 1, "the document named does not hold the answer"
    assert [o.confidence_removed is None for o in found.outcomes] == [False, False, False, True]
    # Without the document that answers, the question is less likely answered.
    assert unnamed.confidence_removed is not None
    assert unnamed.confidence_removed < unnamed.confidence
    assert found.settings.unplaced == 1
    assert found.figures.abstention is not None
    assert found.figures.abstention.questions == 3


def test_noise_is_put_where_told(folder: Path) -> None:
    asked = read_questions(folder / "set.json")
    noisy = add_noise(asked, Noise("pinyin", 1.0), seed=1)
    assert noisy.contexts == tuple(inject(text, "pinyin", 1.0, 1) for text in asked.contexts)
    assert [q.text for q in noisy.questions] == [q.text for q in asked.questions]
    assert all(question.context in noisy.contexts for question in noisy.questions)
    noisy = add_noise(asked, Noise("width", 1.0, "questions"), seed=1)
    assert noisy.contexts == asked.contexts
    expected = [inject(q.text, "width", 1.0, 1) for q in asked.questions]
    assert [q.text for q in noisy.questions] == expected


def test_noise_that_the_cleaner_takes_away_changes_no_figure(
    folder: Path, evaluation: Evaluation
) -> None:
    noise = Noise("pinyin", 0.3)
    found = evaluate(folder / "set.json", noise=noise, embedding_cache=folder / "kept.sqlite")
    assert found.settings.noise == noise
    assert [o.rank for o in found.outcomes] == [o.rank for o in evaluation.outcomes]
    # What is kept comes in another order, so that vectors may differ in their last bits.
    assert [o.confidence for o in found.outcomes] == pytest.approx(
        [o.confidence for o in evaluation.outcomes], abs=0.01
    )


def test_squad_on_an_index_of_ones_own(folder: Path, town: Index) -> None:
    found = evaluate(folder / "set.json", index=town.index_dir)
    assert [outcome.rank for outcome in found.outcomes] == [1] * 5
    assert found.settings.index == str(town.index_dir)


def test_what_does_not_go_together(folder: Path, town: Index) -> None:
    path = write_csv(folder, "誰？,王小明,nowhere.txt")
    with pytest.raises(QuestionSetError, match=r"'nowhere.txt', which is not among the 4"):
        evaluate(path, index=town.index_dir)
    with pytest.raises(QuestionSetError, match="no contexts to build an index from"):
        evaluate(path)
    long = write_csv(folder, f"{'問' * 1001},王小明,")
    with pytest.raises(EvaluationError, match=r"Question 2: The question has 1,001 characters"):
        evaluate(long, index=town.index_dir)
    with pytest.raises(EvaluationError, match="not both"):
        evaluate(path, index=town.index_dir, contexts=path)
    with pytest.raises(EvaluationError, match="limit is 0"):
        evaluate(path, limit=0)
    with pytest.raises(EvaluationError, match="cannot be changed"):
        evaluate(path, index=path.parent, noise=Noise("ocr"))
    with pytest.raises(EvaluationError, match="has its token vectors already"):
        evaluate(path, index=path.parent, token_vectors="pq")


def test_a_context_that_cannot_be_indexed(tmp_path: Path) -> None:
    path = squad(
        tmp_path, "a.json", (LIBRARY, [("1", "誰？", ["王"])]), (" ", [("2", "甲？", ["乙"])])
    )
    with pytest.raises(EvaluationError, match="cannot be indexed"):
        evaluate(path)
