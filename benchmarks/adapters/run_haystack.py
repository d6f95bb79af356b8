r"""haystack: its in-memory store, dense, and dense joined with BM25 by reciprocal rank.

BM25 runs with the store's default tokenisation, whose ``\w+`` takes a Chinese clause as one word.
"""

from haystack import Document, Pipeline
from haystack.components.joiners import DocumentJoiner
from haystack.components.retrievers.in_memory import (
    InMemoryBM25Retriever,
    InMemoryEmbeddingRetriever,
)
from haystack.document_stores.in_memory import InMemoryDocumentStore
from haystack_integrations.components.embedders.sentence_transformers import (
    SentenceTransformersDocumentEmbedder,
    SentenceTransformersTextEmbedder,
)

from benchmarks.adapters.protocol import Search, Task, serve


def _store(task: Task) -> InMemoryDocumentStore:
    embedder = SentenceTransformersDocumentEmbedder(
        model=task.model,
        prefix=task.passage_prompt,
        progress_bar=False,
        model_kwargs={"dtype": task.precision},
    )
    documents = [Document(content=text, meta={"id": key}) for key, text in task.contexts.items()]
    store = InMemoryDocumentStore()
    store.write_documents(embedder.run(documents)["documents"])
    return store


def _pipeline(task: Task, store: InMemoryDocumentStore) -> Pipeline:
    pipeline = Pipeline()
    pipeline.add_component(
        "embedder",
        SentenceTransformersTextEmbedder(
            model=task.model,
            prefix=task.query_prompt,
            progress_bar=False,
            model_kwargs={"dtype": task.precision},
        ),
    )
    pipeline.add_component("dense", InMemoryEmbeddingRetriever(store, top_k=task.top_k))
    pipeline.connect("embedder.embedding", "dense.query_embedding")
    return pipeline


def _dense(task: Task) -> Search:
    pipeline = _pipeline(task, _store(task))

    def search(question: str, top_k: int) -> list[str]:
        found = pipeline.run({"embedder": {"text": question}})["dense"]["documents"]
        return [document.meta["id"] for document in found][:top_k]

    return search


def _hybrid(task: Task) -> Search:
    store = _store(task)
    pipeline = _pipeline(task, store)
    pipeline.add_component("bm25", InMemoryBM25Retriever(store, top_k=task.top_k))
    pipeline.add_component("joiner", DocumentJoiner(join_mode="reciprocal_rank_fusion"))
    pipeline.connect("dense", "joiner")
    pipeline.connect("bm25", "joiner")

    def search(question: str, top_k: int) -> list[str]:
        given = {"embedder": {"text": question}, "bm25": {"query": question}}
        found = pipeline.run(given)["joiner"]["documents"]
        return [document.meta["id"] for document in found][:top_k]

    return search


if __name__ == "__main__":
    serve({"dense": _dense, "hybrid": _hybrid})
