"""txtai: ``Embeddings``, dense, and its hybrid of dense and BM25 with default weights."""

from txtai import Embeddings

from benchmarks.adapters.protocol import Search, Task, serve


def _build(task: Task, *, hybrid: bool) -> Search:
    embeddings = Embeddings(
        path=task.model,
        instructions={"query": task.query_prompt, "data": task.passage_prompt},
        hybrid=hybrid,
        vectors={"dtype": task.precision},
    )
    embeddings.index(task.contexts.items())

    def search(question: str, top_k: int) -> list[str]:
        return [context_id for context_id, _ in embeddings.search(question, top_k)]

    return search


if __name__ == "__main__":
    serve(
        {
            "dense": lambda task: _build(task, hybrid=False),
            "hybrid": lambda task: _build(task, hybrid=True),
        }
    )
