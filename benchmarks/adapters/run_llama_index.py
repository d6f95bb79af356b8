"""LlamaIndex: ``VectorStoreIndex`` with its in-memory store, each context one node."""

from llama_index.core import VectorStoreIndex
from llama_index.core.schema import TextNode
from llama_index.embeddings.huggingface import HuggingFaceEmbedding

from benchmarks.adapters.protocol import Search, Task, serve


def _dense(task: Task) -> Search:
    embedding = HuggingFaceEmbedding(
        model_name=task.model,
        query_instruction=task.query_prompt,
        text_instruction=task.passage_prompt,
        model_kwargs={"dtype": task.precision},
        embed_batch_size=32,  # its own default of 10 is slower
    )
    nodes = [TextNode(id_=key, text=text) for key, text in task.contexts.items()]
    store = VectorStoreIndex(nodes, embed_model=embedding)
    retriever = store.as_retriever(similarity_top_k=task.top_k)

    def search(question: str, top_k: int) -> list[str]:
        return [found.node.node_id for found in retriever.retrieve(question)][:top_k]

    return search


if __name__ == "__main__":
    serve({"dense": _dense})
