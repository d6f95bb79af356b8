"""A Milvus server through pymilvus, which no other file knows.

Every call has a deadline. Until then pymilvus itself tries again what fails because the server is
not there, waiting longer each time; nothing else is tried again. What goes wrong arrives as an
error of our own, with the address and without any password.
"""

import logging
import os
import re
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from index import bm25
from index.errors import IndexServerError, SettingError
from index.milvus.address import Credentials, MilvusAddress

# It writes lines of its own on the standard error, when it connects anew, say.
os.environ.setdefault("GRPC_VERBOSITY", "NONE")

try:
    import grpc
    from pymilvus import DataType, Function, FunctionType, MilvusClient, MilvusException
    from pymilvus.exceptions import ErrorCode
except ImportError as _error:
    raise SettingError(
        "An index on a Milvus server needs the pymilvus package, which is not installed. "
        "Install it: pip install 'yinzheng[milvus]'"
    ) from _error

FloatArray = npt.NDArray[np.float32]
Row = dict[str, Any]

# It writes every failed call with its traceback; here each becomes an error with a message.
logging.getLogger("pymilvus").setLevel(logging.CRITICAL)

ASKING = 10.0
"""Seconds that a question waits for an answer of the server."""
WRITING = 120.0
"""Seconds that a writer waits: for a server that starts again, say."""
LONGEST = 65_535
"""Bytes that fit in a text."""
MOST_FOUND = 16_384
"""Rows that one search or query may return."""
MOST_WORDS = 4096
"""Words that a list of them may have."""
_READ_TOGETHER = 1000
_EXACT_UP_TO = 1 << 16  # as in a folder
_GRAPH = {"M": 32, "efConstruction": 256}
_LEAST_LOOKED_AT = 512
_BM25_SINCE = (2, 5)
_OLDEST = (2, 3)
_UNREACHABLE = {
    grpc.StatusCode.UNAVAILABLE,
    grpc.StatusCode.DEADLINE_EXCEEDED,
    grpc.StatusCode.CANCELLED,
}
_REFUSED = {grpc.StatusCode.UNAUTHENTICATED, grpc.StatusCode.PERMISSION_DENIED}
_NAMED_TYPES = {
    "int": DataType.INT64,
    "text": DataType.VARCHAR,
    "words": DataType.ARRAY,
    "vector": DataType.FLOAT_VECTOR,
}


@dataclass(frozen=True)
class Table:
    """What a collection holds.

    Attributes:
        key: name of the primary key.
        fields: kind of each field: ``int``, ``text`` (of up to as many bytes), ``words`` (each of
            up to as many; one text where the server has BM25), or ``vector`` (of so many numbers);
            the server wants one vector in each collection.
        searched: field of the words that BM25 looks for; empty = none.
    """

    key: str
    fields: Mapping[str, tuple[str, int]]
    searched: str = ""


class MilvusServer:
    """What is asked of a server here.

    Args:
        address: where it is.
        credentials: how one signs in.

    Raises:
        IndexServerError: it does not answer, lets nobody in, or is too old.
    """

    def __init__(self, address: MilvusAddress, credentials: Credentials) -> None:
        self.address = address
        self._credentials = credentials
        scheme = "https" if credentials.tls else "http"
        with self._told():
            self._client = MilvusClient(
                f"{scheme}://{address.server}",
                user=credentials.user,
                password=credentials.password,
                token=credentials.token,
                timeout=ASKING,
                **({"ca_pem_path": credentials.ca} if credentials.ca else {}),
            )
            self.version: str = str(self._client.get_server_version(timeout=ASKING))
        self.is_lite: bool = "lite" in self.version and not self.version.startswith("v2.3")
        if not self.is_lite and self._number() < _OLDEST:
            raise IndexServerError(
                f"The Milvus server at {address.server} is {self.version}, which is too old. "
                "Use a server of version 2.3 or later."
            )
        self.has_bm25: bool = self.is_lite or self._number() >= _BM25_SINCE

    def _number(self) -> tuple[int, int]:
        # Older servers accept what they do not know in silence, so that trying tells nothing.
        match = re.search(r"(\d+)\.(\d+)", self.version)
        return (int(match[1]), int(match[2])) if match else (0, 0)

    def close(self) -> None:
        """Close the connection."""
        self._client.close()

    # ---- collections -----------------------------------------------------------------------------

    def collections(self) -> list[str]:
        """Return the names of all collections."""
        with self._told():
            return [str(name) for name in self._client.list_collections(timeout=ASKING)]

    def exists(self, name: str) -> bool:
        """Return whether there is a collection, or an alias, of that name."""
        with self._told():
            return bool(self._client.has_collection(name, timeout=ASKING))

    def target_of(self, alias: str) -> str | None:
        """Return the collection that an alias stands for; None when there is no such alias."""
        with self._told():
            try:
                found = self._client.describe_collection(alias, timeout=ASKING)
            except MilvusException as error:
                if _is_missing(error):
                    return None
                raise
        name = str(found["collection_name"])
        return None if name == alias else name

    def point(self, alias: str, collection: str) -> None:
        """Let an alias stand for a collection from now on, for everybody at once."""
        with self._told():
            if self.target_of(alias) is None:
                self._client.create_alias(collection, alias, timeout=WRITING)
            else:
                self._client.alter_alias(collection, alias, timeout=WRITING)

    def claim(self, alias: str, collection: str) -> bool:
        """Make an alias for a collection; False when it stands for another one already."""
        with self._told():
            try:
                self._client.create_alias(collection, alias, timeout=WRITING)
            except MilvusException:
                if self.target_of(alias) is None:
                    raise
        return self.target_of(alias) == collection

    def drop_alias(self, alias: str) -> None:
        """Remove an alias; what it stood for stays."""
        with self._told():
            self._client.drop_alias(alias, timeout=ASKING)

    def properties(self, name: str) -> Mapping[str, Any]:
        """Return what is noted of a collection."""
        with self._told():
            found = self._client.describe_collection(name, timeout=ASKING)
        held: Mapping[str, Any] = found.get("properties") or {}
        return held

    def set_properties(self, name: str, values: Mapping[str, str]) -> None:
        """Note something of a collection, beside what is noted already."""
        with self._told():
            self._client.alter_collection_properties(name, dict(values), timeout=ASKING)

    def create_bare(self, name: str, table: Table) -> None:
        """Make a collection that is never read."""
        with self._told():
            self._client.create_collection(name, schema=self._schema(table), timeout=WRITING)

    def create(self, name: str, table: Table, *, rows: int) -> None:
        """Make a collection, ready to be written and read; one that is there is only made ready.

        Args:
            name: of the collection.
            table: what it holds.
            rows: how many there will be, about.
        """
        if self.exists(name):
            try:
                self.make_ready(name)
            except IndexServerError:  # whoever made it was stopped before it had its index
                self.drop(name)
            else:
                return
        schema = self._schema(table)
        indexes = MilvusClient.prepare_index_params()
        (vector,) = (field for field, (kind, _) in table.fields.items() if kind == "vector")
        is_graph = rows > _EXACT_UP_TO and not self.is_lite  # which loses hits that a filter keeps
        indexes.add_index(
            vector,
            index_type="HNSW" if is_graph else "FLAT",
            metric_type="IP",
            params=_GRAPH if is_graph else {},
        )
        if table.searched and self.has_bm25:
            schema.add_field("sparse", DataType.SPARSE_FLOAT_VECTOR)
            schema.add_function(
                Function(
                    name="bm25",
                    function_type=FunctionType.BM25,
                    input_field_names=[table.searched],
                    output_field_names=["sparse"],
                )
            )
            indexes.add_index(
                "sparse",
                index_type="SPARSE_INVERTED_INDEX",
                metric_type="BM25",
                params={"bm25_k1": bm25.K1, "bm25_b": bm25.B},
            )
        with self._told():
            self._client.create_collection(
                name,
                schema=schema,
                index_params=indexes,
                consistency_level="Bounded",
                timeout=WRITING,
            )

    def _schema(self, table: Table) -> Any:  # noqa: ANN401  (pymilvus exports no name for it)
        schema = MilvusClient.create_schema(auto_id=False, enable_dynamic_field=False)
        for field, (kind, size) in table.fields.items():
            schema.add_field(field, self._type(kind), **self._options(table, field, kind, size))
        return schema

    def _type(self, kind: str) -> DataType:
        return DataType.VARCHAR if kind == "words" and self.has_bm25 else _NAMED_TYPES[kind]

    def _options(self, table: Table, field: str, kind: str, size: int) -> dict[str, Any]:
        options: dict[str, Any] = {"is_primary": True} if field == table.key else {}
        if kind == "vector":
            return options | {"dim": size}
        if kind == "text":
            return options | {"max_length": size}
        if kind == "words" and self.has_bm25:
            # They are words already. Lite knows no "whitespace", and its "standard" takes for one
            # word what has only letters, digits and "_" in it.
            return {
                "max_length": LONGEST,
                "enable_analyzer": True,
                "enable_match": True,
                "analyzer_params": {"tokenizer": "standard" if self.is_lite else "whitespace"},
            }
        if kind == "words":
            return {
                "element_type": DataType.VARCHAR,
                "max_capacity": MOST_WORDS,
                "max_length": size,
            }
        return options

    def make_ready(self, name: str) -> None:
        """Load a collection when it is not, as after a new start of some servers."""
        with self._told():
            state = self._client.get_load_state(name, timeout=ASKING).get("state")
            if str(state) != "Loaded":
                self._client.load_collection(name, timeout=WRITING)

    def drop(self, name: str) -> None:
        """Remove a collection and all that it holds; nothing when it is not there."""
        with self._told():
            # A loaded one keeps the server from ending.
            self._client.release_collection(name, timeout=WRITING)
            self._client.drop_collection(name, timeout=WRITING)

    def release(self, name: str) -> None:
        """Let the server forget what it has in memory of a collection."""
        with self._told():
            self._client.release_collection(name, timeout=WRITING)

    # ---- rows ------------------------------------------------------------------------------------

    def put(self, name: str, rows: Sequence[Row]) -> None:
        """Write rows, in place of those with the same keys."""
        with self._told():
            self._client.upsert(name, list(rows), timeout=WRITING)

    def add(self, name: str, rows: Sequence[Row]) -> None:
        """Write rows whose keys are new: an old server would keep both of two with one key."""
        with self._told():
            self._client.insert(name, list(rows), timeout=WRITING)

    def remove(self, name: str, where: str) -> None:
        """Remove the rows that a condition holds for."""
        with self._told():
            self._client.delete(name, filter=where, timeout=WRITING)

    def flush(self, name: str) -> None:
        """Put what was written on the server's disk."""
        with self._told():
            self._client.flush(name, timeout=WRITING)

    def count(self, name: str, where: str = "", *, newest: bool = True) -> int:
        """Return how many rows a condition holds for; all without one."""
        with self._told():
            found = self._client.query(
                name,
                filter=where,
                output_fields=["count(*)"],
                consistency_level=_level(newest=newest),
                timeout=WRITING if newest else ASKING,
            )
        return int(found[0]["count(*)"])

    def get(
        self, name: str, where: str, fields: Sequence[str], *, newest: bool = False
    ) -> list[Row]:
        """Return the rows that a condition holds for, of which there are few, in no order.

        Args:
            name: of the collection.
            where: the condition.
            fields: what is returned of them.
            newest: whether what was written in the last seconds has to be among them.
        """
        with self._told():
            found = self._client.query(
                name,
                filter=where,
                output_fields=list(fields),
                consistency_level=_level(newest=newest),
                timeout=ASKING,
            )
        return [dict(row) for row in found]

    def each(
        self,
        name: str,
        where: str,
        fields: Sequence[str],
        *,
        newest: bool = False,
        together: int = _READ_TOGETHER,
    ) -> Iterator[Row]:
        """Yield the rows that a condition holds for, however many, in no order.

        Args:
            name: of the collection.
            where: the condition.
            fields: what is returned of them.
            newest: whether what was written in the last seconds has to be among them.
            together: rows that come in one message.
        """
        with self._told():
            iterator = self._client.query_iterator(
                name,
                batch_size=together,
                filter=where,
                output_fields=list(fields),
                consistency_level=_level(newest=newest),
                timeout=WRITING,
            )
        try:
            while True:
                with self._told():
                    batch = iterator.next()
                if not batch:
                    return
                yield from (dict(row) for row in batch)
        finally:
            iterator.close()

    def nearest(
        self, name: str, vector: FloatArray, k: int, fields: Sequence[str], *, newest: bool
    ) -> list[Row]:
        """Return the rows whose vectors are nearest to one, best first.

        Args:
            name: of the collection.
            vector: float32 ``(dimension,)``.
            k: how many.
            fields: what is returned of them.
            newest: whether what was written in the last seconds has to be among them.
        """
        params = {"ef": max(_LEAST_LOOKED_AT, 2 * k)}
        wanted = vector.reshape(-1).tolist()
        return self._search(name, "vector", wanted, k, fields, params=params, newest=newest)

    def matching(
        self, name: str, words: Sequence[str], k: int, fields: Sequence[str], *, newest: bool
    ) -> list[Row]:
        """Return the rows with the most of some words by the server's BM25, best first."""
        wanted = " ".join(words)
        return self._search(name, "sparse", wanted, k, fields, params={}, newest=newest)

    def _search(
        self,
        name: str,
        on: str,
        wanted: object,
        k: int,
        fields: Sequence[str],
        *,
        params: dict[str, Any],
        newest: bool,
    ) -> list[Row]:
        with self._told():
            (found,) = self._client.search(
                name,
                data=[wanted],
                anns_field=on,
                limit=min(k, MOST_FOUND),
                output_fields=list(fields),
                search_params={"params": params},
                consistency_level=_level(newest=newest),
                timeout=ASKING,
            )
        return [dict(hit["entity"]) for hit in found]

    # ---- what goes wrong -------------------------------------------------------------------------

    @contextmanager
    def _told(self) -> Iterator[None]:
        try:
            yield
        except (MilvusException, grpc.RpcError, ConnectionError) as error:
            raise self._error(error) from None  # its text may hold a password

    def _error(self, error: BaseException) -> IndexServerError:
        where = f"The Milvus server at {self.address.server}"
        code, fact = _code_of(error), self._credentials.hidden_in(_fact_of(error))
        if code in _REFUSED or "auth check failure" in fact:
            return IndexServerError(
                f"{where} lets nobody in with these credentials ({fact}). "
                "Set YINZHENG_MILVUS_USER and YINZHENG_MILVUS_PASSWORD, or YINZHENG_MILVUS_TOKEN."
            )
        if code in _UNREACHABLE or any(sign in fact for sign in _SIGNS_OF_SILENCE):
            return IndexServerError(
                f"{where} does not answer ({fact}). Check that it runs and that host and port are "
                "right, then try again."
            )
        return IndexServerError(
            f"{where} cannot do what was asked ({fact}). Its own log may tell why; then try again."
        )


_SIGNS_OF_SILENCE = ("Retry timeout", "Retry run out", "Fail connecting", "UNAVAILABLE", "timeout")


def _level(*, newest: bool) -> str:
    return "Strong" if newest else "Bounded"


def _code_of(error: BaseException) -> object:
    if isinstance(error, grpc.RpcError) and hasattr(error, "code"):
        return error.code()
    return getattr(error, "code", None)


def _fact_of(error: BaseException) -> str:
    """Return one line of what an error says, no longer than a reader wants it."""
    said: Any = getattr(error, "message", None) or (
        error.details() if isinstance(error, grpc.RpcError) and hasattr(error, "details") else error
    )
    return " ".join(str(said).split()).rstrip(".")[:300]


def _is_missing(error: MilvusException) -> bool:
    return error.code in (100, ErrorCode.COLLECTION_NOT_FOUND) or "not found" in str(error)
