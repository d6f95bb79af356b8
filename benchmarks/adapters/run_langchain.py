"""LangChain: a FAISS store, and the same in an ensemble with BM25 over jieba's words.

The ensemble is put together as Langchain-Chatchat does (``file_rag/retrievers/ensemble.py``): BM25
first, FAISS second, equal weights, ``jieba.lcut_for_search`` before BM25.
"""

import jieba
from langchain_classic.retrievers import EnsembleRetriever
from langchain_community.retrievers import BM25Retriever
from langchain_community.vectorstores import FAISS
from langchain_core.documents import Document
from langchain_huggingface import HuggingFaceEmbeddings

from benchmarks.adapters.protocol import Search, Task, serve


def _documents(task: Task) -> list[Document]:
    return [Document(text, metadata={"id": key}) for key, text in task.contexts.items()]


def _store(task: Task) -> FAISS:
    embeddings = HuggingFaceEmbeddings(
        model_name=task.model,
        model_kwargs={"model_kwargs": {"dtype": task.precision}},
        encode_kwargs={"prompt": task.passage_prompt, "normalize_embeddings": True},
        query_encode_kwargs={"prompt": task.query_prompt, "normalize_embeddings": True},
    )
    return FAISS.from_documents(_documents(task), embeddings)


def _dense(task: Task) -> Search:
    store = _store(task)

    def search(question: str, top_k: int) -> list[str]:
        return [found.metadata["id"] for found in store.similarity_search(question, top_k)]

    return search


def _ensemble(task: Task) -> Search:
    dense = _store(task).as_retriever(search_kwargs={"k": task.top_k})
    bm25 = BM25Retriever.from_documents(
        _documents(task), preprocess_func=jieba.lcut_for_search, k=task.top_k
    )
    ensemble = EnsembleRetriever(retrievers=[bm25, dense], weights=[0.5, 0.5])

    def search(question: str, top_k: int) -> list[str]:
        return [found.metadata["id"] for found in ensemble.invoke(question)][:top_k]

    return search


if __name__ == "__main__":
    serve({"dense": _dense, "ensemble": _ensemble})
