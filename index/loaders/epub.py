"""EPUB: the chapters in the order of reading, each taken apart as the page it is."""

import posixpath
import re
import zipfile
from collections import Counter
from io import BytesIO
from itertools import islice

from lxml import etree

from index.errors import DocumentError
from index.loaders.archives import open_archive, read_member
from index.loaders.decoded import FORMAT, Decoded, Options, Skipped, TextWriter
from index.loaders.encodings import decode
from index.loaders.html import write_html
from index.loaders.office import has_part, part_name, read_xml

_CONTAINER = "META-INF/container.xml"
_ENCRYPTION = "META-INF/encryption.xml"
_TITLE = "{http://purl.org/dc/elements/1.1/}title"
_PAGES = {"application/xhtml+xml", "text/html"}
# In HTML these do not close themselves, and would swallow the rest of the chapter.
_SELF_CLOSED = re.compile(
    r"<(title|script|style|textarea|iframe|noscript|a|div|span|p|i|b|em)\b([^<>]*)/>"
)


def load_epub(content: bytes, options: Options) -> Decoded:
    """Decode a book; its title is a heading above those of its chapters."""
    with open_archive(BytesIO(content), options.limits) as archive:
        package = _package(archive, options)
        opf = read_xml(archive, package, options.limits)
        chapters, left_out = _chapters(opf, posixpath.dirname(package), archive)
        _check_readable(archive, chapters, options)
        writer = TextWriter(options.limits)
        for title in islice(opf.iter(_TITLE), 1):
            writer.add(" ".join("".join(map(str, title.itertext())).split()), level=0)
        notes: list[str] = []
        for name in chapters:
            read = decode(read_member(archive, name, options.limits.max_xml), options)
            notes.extend(f"{name}: {note}" for note in read.notes)
            source = _SELF_CLOSED.sub(r"<\1\2></\1>", read.text)
            for one in write_html(source, writer, options.limits, below=1):
                left_out[one.what] += one.count
    skipped = tuple(
        Skipped(what, "they are no part of the text", n) for what, n in left_out.items()
    )
    return Decoded(writer.text, FORMAT, writer.blocks, "epub", tuple(notes), skipped)


def _package(archive: zipfile.ZipFile, options: Options) -> str:
    """Return the name of the part that lists all others."""
    container = read_xml(archive, _CONTAINER, options.limits)
    for element in container.iter("{*}rootfile"):
        name = part_name("", element.get("full-path") or "")
        if has_part(archive, name):
            return name
    raise DocumentError("it does not say where its text is. Convert it anew.")


def _chapters(
    opf: etree._Element, folder: str, archive: zipfile.ZipFile
) -> tuple[list[str], Counter[str]]:
    """Return the names of the chapters in order of reading, and what is no chapter."""
    items = {item.get("id"): item for item in opf.iter("{*}item")}
    names: dict[str, None] = {}  # a dict keeps the order and drops a chapter listed twice
    left_out: Counter[str] = Counter()
    for reference in opf.iter("{*}itemref"):
        item = items.get(reference.get("idref"))
        if item is None or item.get("media-type") not in _PAGES:
            continue
        name = part_name(folder, item.get("href") or "")
        if "nav" in (item.get("properties") or "").split():
            left_out["tables of contents"] += 1
        elif has_part(archive, name):
            names[name] = None
        else:
            left_out["missing chapters"] += 1
    return list(names), left_out


def _check_readable(archive: zipfile.ZipFile, chapters: list[str], options: Options) -> None:
    if not chapters:
        raise DocumentError("it has no chapters. Convert it anew, or leave it out.")
    if not has_part(archive, _ENCRYPTION):
        return
    encrypted = {
        part_name("", one.get("URI") or "")
        for one in read_xml(archive, _ENCRYPTION, options.limits).iter("{*}CipherReference")
    }
    if encrypted.intersection(chapters):
        raise DocumentError("it is protected against copying (DRM). Use a copy without.")
