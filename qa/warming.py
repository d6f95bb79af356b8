"""What the first questions would wait for, loaded before they come."""

import threading
from collections.abc import Iterator
from contextlib import contextmanager

from index import YinzhengError, fold
from qa.answers import ask
from qa.indexes import shared_index

_QUESTIONS = ("誰在哪裡，哪些城市有多少？", "Who lives in Paris?")
_TEXT = (
    "引證水利設施的歷史自古有之請問今年各地區在治理河流"
    "和保護濕地方面都採取過哪些具體措施取得何種成效"
)


@contextmanager
def warming_up(index: str | None) -> Iterator[None]:
    """Load, beside what is done meanwhile, what questions need one day.

    When that ends, what is still to be loaded is left.

    Args:
        index: an index folder; None = the default index.
    """
    enough = threading.Event()
    thread = threading.Thread(target=warm_up, name="warming", args=(index, enough))
    thread.start()
    try:
        yield
    finally:
        enough.set()
        thread.join()


def warm_up(index: str | None, enough: threading.Event) -> None:
    """Ask for names and in English, which load tables, and encode a text of every usual length.

    For each length that is new the engine compiles kernels, some 4 ms.
    """
    try:
        for question in _QUESTIONS:
            if not enough.is_set():
                ask(question, index=index)
        embedder = shared_index(index).embedder
        for length in range(1, len(_TEXT) + 1):
            if enough.is_set():
                return
            embedder.encode_query_tokens(fold(_TEXT[:length]))
    except (YinzhengError, OSError):
        return  # whoever asks is told
