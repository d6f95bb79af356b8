"""Word, PowerPoint, Excel files and books for tests, made on the spot."""

import zipfile
from collections.abc import Callable, Mapping, Sequence
from io import BytesIO

DOCUMENT = (
    '<w:document xmlns:w="http://schemas.openxmlformats.org/wordprocessingml/2006/main">'
    "<w:body>{}</w:body></w:document>"
)
TYPES = b'<Types xmlns="http://schemas.openxmlformats.org/package/2006/content-types"/>'


def zipped(members: Mapping[str, bytes] | Mapping[str, str] | Mapping[str, bytes | str]) -> bytes:
    """Return a ZIP archive."""
    file = BytesIO()
    with zipfile.ZipFile(file, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in members.items():
            archive.writestr(name, content)
    return file.getvalue()


def saved(save: Callable[[BytesIO], object]) -> bytes:
    """Return what a library's ``save`` writes."""
    file = BytesIO()
    save(file)
    return file.getvalue()


def raw_docx(body: str) -> bytes:
    """Return a Word file with this inside its body, as XML."""
    return zipped(
        {"[Content_Types].xml": TYPES.decode(), "word/document.xml": DOCUMENT.format(body)}
    )


def workbook(*sheets: Sequence[Sequence[object]]) -> bytes:
    """Return a workbook of sheets named 表1, 表2 and so on."""
    import openpyxl

    book = openpyxl.Workbook(write_only=True)
    for number, rows in enumerate(sheets, start=1):
        sheet = book.create_sheet(f"表{number}")
        for row in rows:
            sheet.append(row)
    return saved(book.save)


CONTAINER = (
    '<container xmlns="urn:oasis:names:tc:opendocument:xmlns:container"><rootfiles>'
    '<rootfile full-path="OEBPS/content.opf"/></rootfiles></container>'
)
PACKAGE = (
    '<package xmlns="http://www.idpf.org/2007/opf" xmlns:dc="http://purl.org/dc/elements/1.1/">'
    "<metadata><dc:title>書名</dc:title></metadata><manifest>{}</manifest>"
    "<spine>{}</spine></package>"
)


def book(chapters: Mapping[str, str], *, more: Mapping[str, bytes | str] | None = None) -> bytes:
    """Return an EPUB whose chapters are read in the order given."""
    items = "".join(
        f'<item id="i{n}" href="{name}" media-type="application/xhtml+xml"'
        f' properties="{name.partition(".")[0]}"/>'
        for n, name in enumerate(chapters)
    )
    spine = "".join(f'<itemref idref="i{n}"/>' for n in range(len(chapters)))
    return zipped(
        {
            "mimetype": "application/epub+zip",
            "META-INF/container.xml": CONTAINER,
            "OEBPS/content.opf": PACKAGE.format(items, spine),
            **{f"OEBPS/{name}": content for name, content in chapters.items()},
            **(more or {}),
        }
    )
