"""EPUB → blocks."""

import pytest
from office_files import book, zipped
from test_index_loaders import blocks_of, check_blocks

from index import DocumentError
from index.loaders import load

PAGE = '<?xml version="1.0"?><html xmlns="http://www.w3.org/1999/xhtml">{}</html>'
CHAPTERS = {
    "b.xhtml": PAGE.format(
        "<head><title/></head><body><h1>第一章</h1><p>甲<a id='x'/>乙</p></body>"
    ),
    "nav.xhtml": PAGE.format("<body><a href='b.xhtml'>第一章</a></body>"),
    "a.xhtml": PAGE.format("<body><h1>第二章</h1><p>丙</p></body>"),
}


def test_chapters_in_the_order_of_reading() -> None:
    decoded = load("a.epub", book(CHAPTERS))
    assert blocks_of(decoded) == [
        ("書名", 0),
        ("第一章", 1),
        ("甲乙", None),
        ("第二章", 1),
        ("丙", None),
    ]
    check_blocks(decoded)
    assert [(one.what, one.count) for one in decoded.skipped] == [("tables of contents", 1)]


def test_what_cannot_be_read_is_refused() -> None:
    protected = (
        '<encryption xmlns="urn:oasis:names:tc:opendocument:xmlns:container">'
        '<CipherReference URI="OEBPS/a.xhtml"/></encryption>'
    )
    with pytest.raises(DocumentError, match="DRM"):
        load("a.epub", book(CHAPTERS, more={"META-INF/encryption.xml": protected}))
    with pytest.raises(DocumentError, match="no chapters"):
        load("a.epub", book({}))
    with pytest.raises(DocumentError, match=r"container\.xml is missing"):
        load("a.epub", zipped({"mimetype": "application/epub+zip"}))
