"""Mail: the subject as heading, who wrote when to whom, the text; attachments are named only."""

import email
import email.errors
import re
from collections.abc import Callable, Iterator
from contextlib import suppress
from email.header import decode_header, make_header
from email.message import Message
from email.policy import Compat32

from index.errors import DocumentError
from index.loaders.archives import shown
from index.loaders.decoded import Decoded, Options, Skipped, TextWriter
from index.loaders.encodings import Text, decode
from index.loaders.html import write_html

_FIELDS = ("From", "To", "Cc", "Date")
_EMPTY_LINE = re.compile(r"\n[ \t\u3000]*\n\s*")
_SURROGATE = re.compile("[\ud800-\udfff]")
_BAD_MESSAGE = (ValueError, LookupError, TypeError, AttributeError, email.errors.MessageError)


class _AsWritten(Compat32):
    """Gives fields with their bare bytes, which the default policy takes out."""

    def header_fetch_parse(self, name: str, value: str) -> str:
        """Return the value as it is."""
        del name
        return value


def load_eml(content: bytes, options: Options) -> Decoded:
    """Decode a mail; of a text that is there both plain and as HTML, the plain one."""
    try:
        message = email.message_from_bytes(content, policy=_AsWritten())
        parts = list(_parts(message))
    except (*_BAD_MESSAGE, RecursionError) as error:
        raise DocumentError(
            "it is no valid mail. Save it anew from the mail program, or leave it out."
        ) from error
    writer = TextWriter(options.limits)
    writer.add(_field(message, "subject"), level=0)
    for name in _FIELDS:
        if value := _field(message, name.lower()):
            writer.add(f"{name}: {value}")
    read = [_write_part(part, writer, options) for part in parts if not _is_attached(part)]
    attached = [shown(_filename(part)) for part in parts if _is_attached(part)]
    return Decoded(
        writer.text,
        next((one.encoding for one in read), "utf-8"),
        writer.blocks,
        "eml",
        tuple(note for one in read for note in one.notes),
        _skipped(attached),
    )


def _parts(message: Message) -> Iterator[Message]:
    """Yield the parts that hold something; of alternatives the plainest that has text."""
    if not message.is_multipart():
        yield message
        return
    parts = [part for part in message.get_payload() if isinstance(part, Message)]
    if message.get_content_type() == "multipart/alternative":
        filled = [part for part in parts if part.is_multipart() or _payload(part).strip()]
        plain = (part for part in filled if part.get_content_type() == "text/plain")
        parts = [next(plain, filled[-1])] if filled else []
    for part in parts:
        yield from _parts(part)


def _is_attached(part: Message) -> bool:
    return (
        part.get_content_maintype() != "text"
        or part.get_content_disposition() == "attachment"
        or _asked(part.get_filename) is not None
    )


def _filename(part: Message) -> str:
    return _unfolded(_asked(part.get_filename) or part.get_content_type())


def _asked(field: Callable[[], str | None]) -> str | None:
    """Return what a field says; nothing when it is written so badly that ``email`` fails."""
    try:
        return field()
    except _BAD_MESSAGE:
        return None


def _payload(part: Message) -> bytes:
    payload = part.get_payload(decode=True)
    return payload if isinstance(payload, bytes) else b""


def _write_part(part: Message, writer: TextWriter, options: Options) -> Text:
    content = _payload(part)
    read = decode(content, options, declared=_asked(part.get_content_charset))
    if part.get_content_type() == "text/html":
        write_html(read.text, writer, options.limits, below=1)
        return read
    for paragraph in _EMPTY_LINE.split(read.text.replace("\r\n", "\n")):
        writer.add(paragraph)
    return read


def _field(message: Message, name: str) -> str:
    value = message.get(name)
    return "" if value is None else _unfolded(str(value))


def _unfolded(value: str) -> str:
    """Return a field as it was meant: encoded words decoded, bare bytes in a likely encoding."""
    if any(_is_bare_byte(character) for character in value):
        value = decode(value.encode("utf-8", "surrogateescape"), Options()).text
    with suppress(*_BAD_MESSAGE):
        value = str(make_header(decode_header(value)))
    return " ".join(_SURROGATE.sub("\ufffd", value).split())


def _is_bare_byte(character: str) -> bool:
    return "\udc80" <= character <= "\udcff"


def _skipped(attached: list[str]) -> tuple[Skipped, ...]:
    if not attached:
        return ()
    names = ", ".join(attached)
    return (Skipped(f"attachments ({names})", "each is a document of its own", len(attached)),)
