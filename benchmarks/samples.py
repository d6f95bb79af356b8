"""Question sets → samples: all evidence on every question, kept so that it can be weighed anew."""

import random
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path

import numpy as np
import numpy.typing as npt

from index import Index, Passage, Progress, QuestionSetError, Without, clean_question
from qa.evaluation.bootstrap import SEED
from qa.evaluation.gold import Gold, gold_of_contexts, throw_away_index
from qa.evaluation.question_sets import read_questions
from qa.evaluation.runner import draw
from qa.phrases import is_wanted, read_phrases
from qa.quotes import Span, best_of_each, find_spans, read_for, score_spans, span_order
from qa.retriever import RERANKED, Candidate, Query, find_candidates, to_query
from qa.weights import Weights

Told = Callable[[str], None]
_KEPT = 10
"""How many passages are read: other weights may put another one among those read."""
_GROUP, _GROUP_QUESTIONS = 20, 60


@dataclass(frozen=True)
class SetFiles:
    """Where a question set lies.

    Attributes:
        questions: the questions.
        contexts: the file whose contexts and answers they are asked of, if another.
    """

    questions: Path
    contexts: Path | None = None

    @property
    def name(self) -> str:
        """The name of the file of questions, without its ending."""
        return self.questions.stem


@dataclass(frozen=True, eq=False)
class Sample:
    """One question asked of one index.

    Attributes:
        gold: the question and its answers.
        query: as retrieval saw it; its weights are those the scores were computed with.
        candidates: the passages compared with it, best first.
        spans: every run of sentences of the best passages, best first.
        is_gold: which candidates are of a document that answers.
        answers: which spans hold an accepted answer.
    """

    gold: Gold
    query: Query
    candidates: list[Candidate]
    spans: list[Span]
    is_gold: npt.NDArray[np.bool_]
    answers: npt.NDArray[np.bool_]

    @property
    def best_spans(self) -> list[Span]:
        """The best span of each passage that was read, best first."""
        return best_of_each(self.spans)


@dataclass(frozen=True)
class SampleSet:
    """A question set, asked.

    Attributes:
        name: of the set.
        present: one sample a question.
        hidden: the same with the documents that answer hidden, where anything else is indexed.
        foreign: questions whose answers were never in the index nor near it, if such were asked.
    """

    name: str
    present: list[Sample]
    hidden: list[Sample]
    foreign: list[Sample] = field(default_factory=list)


def name_sets(given: Sequence[Sequence[str]]) -> list[SetFiles]:
    """Return the sets named on a command line, each as QUESTIONS or QUESTIONS CONTEXTS.

    Raises:
        QuestionSetError: more than two files are given for one set, or two sets have one name.
    """
    for files in given:
        if len(files) > 2:
            raise QuestionSetError(
                f"{len(files)} files are given for one set ({' '.join(files)}). "
                "Give QUESTIONS, or QUESTIONS CONTEXTS."
            )
    sets = [SetFiles(*(Path(file).expanduser() for file in files)) for files in given]
    names = [one.name for one in sets]
    if twice := next((name for name in names if names.count(name) > 1), None):
        raise QuestionSetError(f"Two question sets are called {twice}. Rename one of the files.")
    return sets


def name_arguments(files: Sequence[SetFiles], limit: int | None) -> list[str]:
    """Return the arguments that name sets; where their files lie is nobody's business."""
    sets = [[one.questions] + ([one.contexts] if one.contexts else []) for one in files]
    named = [f"--set {' '.join(path.name for path in paths)}" for paths in sets]
    return named if limit is None else [*named, f"--limit {limit}"]


@contextmanager
def opened_set(
    files: SetFiles,
    *,
    limit: int | None,
    embedding_cache: Path | None,
    progress: Progress | None = None,
    change: Callable[[str, int], str] = lambda context, _: context,
) -> Iterator[tuple[Index, list[Gold]]]:
    """Build a throw-away index of a set; give it and the questions to ask, with their answers.

    Args:
        files: the set.
        limit: keep this many questions, the same that ``qa eval --limit`` draws; None = all.
        embedding_cache: the file that keeps embeddings.
        progress: as for ``build_index``.
        change: what is indexed in place of a context, from the context and its number.

    Raises:
        QuestionSetError: a file cannot be used, or holds no contexts.
        EvaluationError: a context cannot be indexed.
    """
    asked = read_questions(files.questions, contexts=files.contexts)
    if any(question.context is None for question in asked.questions):
        raise QuestionSetError(
            f"{files.questions} has questions but no contexts. Give a file in SQuAD layout, or "
            "name one with the contexts behind it."
        )
    changed = {text: change(text, number) for number, text in enumerate(asked.contexts)}
    with throw_away_index(
        list(changed.values()), embedding_cache=embedding_cache, progress=progress
    ) as (opened, documents):
        own = {text: documents[indexed] for text, indexed in changed.items()}
        yield opened, draw(gold_of_contexts(asked.questions, own), limit, SEED)


def gather(opened: Index, golds: Sequence[Gold], name: str, told: Told) -> SampleSet:
    """Ask every question once as it is, and once with the documents that answer hidden."""
    known: dict[int, Passage] = {}
    progress = by_tenths(told, name)
    present, hidden = [], []
    for done, gold in enumerate(golds, start=1):
        present.append(slim(ask_sample(opened, gold, known)))
        others = Without(opened, gold.documents)
        if len(others):
            hidden.append(slim(ask_sample(others, gold, known)))
        progress("gathering evidence", done, len(golds))
    return SampleSet(name, present, hidden)


def gather_groups(
    files: SetFiles,
    *,
    embedding_cache: Path | None,
    told: Told,
    groups: int = 6,
) -> SampleSet:
    """Ask a set in small indexes, of twenty contexts each, and questions from elsewhere with it.

    A confidence fitted on large indexes alone takes for certain what stands out among few.

    Args:
        files: the set.
        embedding_cache: the file that keeps embeddings.
        told: called with what is being done.
        groups: how many indexes at most.
    """
    asked = read_questions(files.questions, contexts=files.contexts)
    chance = random.Random(SEED)  # noqa: S311 - the same questions have to be drawn again
    gathered = SampleSet(f"{files.name}, {_GROUP} contexts", [], [])
    for number in range(min(groups, len(asked.contexts) // _GROUP)):
        start = number * _GROUP
        contexts = asked.contexts[start : start + _GROUP]
        near = set(asked.contexts[max(0, start - _GROUP) : start + 2 * _GROUP])
        own = [question for question in asked.questions if question.context in set(contexts)]
        far = [question for question in asked.questions if question.context not in near]
        with throw_away_index(contexts, embedding_cache=embedding_cache) as (opened, documents):
            golds = draw(gold_of_contexts(own, documents), _GROUP_QUESTIONS, SEED)
            found = gather(opened, golds, f"{gathered.name}, group {number + 1}", told)
            strangers = chance.sample(far, min(_GROUP_QUESTIONS, len(far)))
            nowhere = [Gold(one, (), frozenset(), is_named=True) for one in strangers]
            gathered.foreign.extend(slim(ask_sample(opened, gold, {})) for gold in nowhere)
        gathered.present.extend(found.present)
        gathered.hidden.extend(found.hidden)
    return gathered


def ask_sample(opened: Index, gold: Gold, known: dict[int, Passage]) -> Sample:
    """Ask a question and keep all evidence.

    Args:
        opened: the index.
        gold: the question.
        known: passages by id, shared by the samples of one index so that each is kept once.
    """
    text = clean_question(gold.question.text)
    query = to_query(opened, text)
    candidates = [
        replace(one, passage=known.setdefault(one.passage.id, one.passage))
        for one in find_candidates(opened, query, RERANKED)
    ]
    spans = find_spans(opened, query, text, candidates[:_KEPT])
    if is_wanted():
        _, spans = read_phrases(opened, query, text, spans)
    quotes = [span.passage.text[span.start - span.passage.start :] for span in spans]
    return Sample(
        gold,
        query,
        candidates,
        spans,
        np.array([c.passage.document_id in gold.documents for c in candidates], np.bool_),
        np.array(
            [
                gold.is_in(quote[: span.end - span.start])
                for span, quote in zip(spans, quotes, strict=True)
            ],
            np.bool_,
        ),
    )


def slim(sample: Sample) -> Sample:
    """Return a sample to keep: of the tokens' cosines the best of each; all would fill the memory.

    Its spans stay, but no others can be made of it.
    """
    return replace(sample, candidates=[_slim(one) for one in sample.candidates])


def _slim(candidate: Candidate) -> Candidate:
    best = candidate.token_best[:, None]
    return replace(candidate, similar=best, token_spans=np.empty((0, 2), np.int64))


def weigh(sample: Sample, weights: Weights) -> Sample:
    """Return a sample as other weights order it, with the spans of the passages then read.

    The candidates stay those that the first weights found, and a passage beyond the best ten by
    the weights the sample was asked with is not read.
    """
    scores = weights.scores([c.evidence for c in sample.candidates], weights.passage).tolist()
    ids = [c.passage.id for c in sample.candidates]
    order = sorted(range(len(ids)), key=lambda row: (-scores[row], ids[row]))
    text = clean_question(sample.gold.question.text)
    score_of = {ids[row]: scores[row] for row in order[: read_for(text)]}
    read = [row for row, span in enumerate(sample.spans) if span.passage.id in score_of]
    query = replace(sample.query, weights=weights)
    spans = score_spans([_with_passage_score(sample.spans[row], score_of) for row in read], query)
    best = sorted(range(len(spans)), key=lambda row: span_order(spans[row]))
    return Sample(
        sample.gold,
        query,
        [replace(sample.candidates[row], score=scores[row]) for row in order],
        [spans[row] for row in best],
        sample.is_gold[order],
        sample.answers[np.array([read[row] for row in best], np.intp)],
    )


def _with_passage_score(span: Span, score_of: dict[int, float]) -> Span:
    return replace(span, evidence=replace(span.evidence, passage=score_of[span.passage.id]))


def by_tenths(told: Told, name: str) -> Progress:
    """Return what tells of the progress on a set at each tenth of a stage."""

    def progress(stage: str, done: int, total: int) -> None:
        if done == total or done * 10 // total > (done - 1) * 10 // total:
            told(f"{name}: {stage} {done:,} of {total:,}")

    return progress
