"""What docx, pptx and epub have in common: XML parts in a ZIP archive, which name one another."""

import posixpath
import zipfile
from collections.abc import Iterator
from urllib.parse import unquote

from lxml import etree

from index.errors import DocumentError
from index.loaders.archives import read_member, shown
from index.loaders.limits import Limits

_RELATIONSHIPS = "{http://schemas.openxmlformats.org/package/2006/relationships}Relationship"

W = "{http://schemas.openxmlformats.org/wordprocessingml/2006/main}"
A = "{http://schemas.openxmlformats.org/drawingml/2006/main}"
P = "{http://schemas.openxmlformats.org/presentationml/2006/main}"
R = "{http://schemas.openxmlformats.org/officeDocument/2006/relationships}"
# Files written as "strict" Open XML have other names for the same things.
_STRICT = (
    (b"http://purl.oclc.org/ooxml/wordprocessingml/main", W),
    (b"http://purl.oclc.org/ooxml/drawingml/main", A),
    (b"http://purl.oclc.org/ooxml/presentationml/main", P),
    (b"http://purl.oclc.org/ooxml/officeDocument/relationships", R),
)


def read_xml(archive: zipfile.ZipFile, name: str, limits: Limits) -> etree._Element:
    """Return the root of an XML part; entities are not expanded, nothing outside is fetched.

    Raises:
        DocumentError: the part is missing, damaged, or beyond the limits.
    """
    content = read_member(archive, name, limits.max_xml)
    for strict, name_used in _STRICT:
        content = content.replace(strict, name_used[1:-1].encode())
    return parse_xml(content, name)


def parse_xml(content: bytes, name: str) -> etree._Element:
    """Return the root of some XML.

    Raises:
        DocumentError: it is none, or too deep.
    """
    parser = etree.XMLParser(
        resolve_entities=False, no_network=True, load_dtd=False, huge_tree=False
    )
    try:
        return etree.fromstring(content, parser)
    except (etree.LxmlError, ValueError) as error:
        reason = str(error).partition(", line")[0]
        raise DocumentError(
            f"its part {shown(name)} is no valid XML ({shown(reason)}). "
            "Open it in the program it was made with and save it anew."
        ) from error


def has_part(archive: zipfile.ZipFile, name: str) -> bool:
    """Return whether an archive has a part."""
    return name in archive.NameToInfo


def relationships(
    archive: zipfile.ZipFile, part: str, limits: Limits
) -> dict[str, tuple[str, str]]:
    """Return what a part refers to: id → the last word of the kind of thing, the other part."""
    folder, name = posixpath.split(part)
    listed = posixpath.join(folder, "_rels", f"{name}.rels")
    if not has_part(archive, listed):
        return {}
    found = {}
    for one in read_xml(archive, listed, limits).iter(_RELATIONSHIPS):
        if one.get("TargetMode") != "External":
            kind = (one.get("Type") or "").rpartition("/")[2]
            found[one.get("Id") or ""] = (kind, part_name(folder, one.get("Target") or ""))
    return found


def part_name(folder: str, target: str) -> str:
    """Return the name of a part from how another one, in a folder, refers to it."""
    path = unquote(target.partition("#")[0])
    return posixpath.normpath(posixpath.join("/", folder, path)).lstrip("/")


def related(archive: zipfile.ZipFile, part: str, kind: str, limits: Limits) -> Iterator[str]:
    """Yield the names of the parts of one kind that a part refers to; "" is the archive itself."""
    for of_kind, name in relationships(archive, part, limits).values():
        if of_kind == kind and has_part(archive, name):
            yield name
