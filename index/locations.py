"""Where things lie on the user's machine."""

import os
from pathlib import Path

import platformdirs

from index.milvus.address import SCHEME, MilvusAddress

IndexPlace = Path | MilvusAddress
"""A folder, or an address on a Milvus server."""

_APP = "yinzheng"

REPORT = Path(__file__).parent / "data" / "report.txt"
"""The report that comes with Yinzheng; the default index is built from it on first use."""


def cache_dir() -> Path:
    """Return the folder for what can be made again (the unpacked model, jieba's dictionary)."""
    return Path(platformdirs.user_cache_dir(_APP, appauthor=False))


def default_embedding_cache() -> Path:
    """Return the file that keeps embeddings between the throw-away indexes of evaluations."""
    return cache_dir() / "embeddings.sqlite"


def index_place(named: str | IndexPlace | None) -> IndexPlace:
    """Return where an index is: a folder, or an address that begins with ``milvus://``.

    Args:
        named: what a user named; None = ``default_index_dir()``.

    Raises:
        SettingError: it begins like an address, and is none.
    """
    if named is None:
        return default_index_dir()
    if isinstance(named, MilvusAddress):
        return named
    if isinstance(named, str) and named.startswith(SCHEME):
        return MilvusAddress.parse(named)
    return Path(named).expanduser()


def default_index_dir() -> IndexPlace:
    """Return ``YINZHENG_INDEX`` or, when it is unset, a folder in the user's data folder."""
    named = os.environ.get("YINZHENG_INDEX", "").strip()
    if named:
        return index_place(named)
    return Path(platformdirs.user_data_dir(_APP, appauthor=False)) / "index"


def default_data_dir() -> Path:
    """Return ``YINZHENG_DATA`` or, when it is unset, a folder in the user's data folder."""
    named = os.environ.get("YINZHENG_DATA", "").strip()
    if named:
        return Path(named).expanduser()
    return Path(platformdirs.user_data_dir(_APP, appauthor=False)) / "server"
