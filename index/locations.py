"""Where things lie on the user's machine."""

import os
from pathlib import Path

import platformdirs

_APP = "yinzheng"

REPORT = Path(__file__).parent / "data" / "report.txt"
"""The report that comes with Yinzheng; the default index is built from it on first use."""


def cache_dir() -> Path:
    """Return the folder for what can be made again (the unpacked model, jieba's dictionary)."""
    return Path(platformdirs.user_cache_dir(_APP, appauthor=False))


def default_embedding_cache() -> Path:
    """Return the file that keeps embeddings between the throw-away indexes of evaluations."""
    return cache_dir() / "embeddings.sqlite"


def default_index_dir() -> Path:
    """Return ``YINZHENG_INDEX`` or, when it is unset, a folder in the user's data folder."""
    named = os.environ.get("YINZHENG_INDEX", "").strip()
    if named:
        return Path(named).expanduser()
    return Path(platformdirs.user_data_dir(_APP, appauthor=False)) / "index"


def default_data_dir() -> Path:
    """Return ``YINZHENG_DATA`` or, when it is unset, a folder in the user's data folder."""
    named = os.environ.get("YINZHENG_DATA", "").strip()
    if named:
        return Path(named).expanduser()
    return Path(platformdirs.user_data_dir(_APP, appauthor=False)) / "server"
