"""Mail → blocks."""

from contextlib import suppress
from email.message import EmailMessage

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from test_index_loaders import blocks_of, check_blocks

from index import DocumentError
from index.loaders import load


def made() -> EmailMessage:
    message = EmailMessage()
    message["Subject"] = "關於治理的報告"
    message["From"] = "楊偉東 <yang@example.org>"
    message["To"] = "all@example.org"
    return message


@pytest.mark.parametrize("charset", ["utf-8", "gb18030", "big5"])
def test_the_plain_text_under_its_subject(charset: str) -> None:
    message = made()
    message.set_content("第一段。\n\n第二段。", charset=charset)
    message.add_alternative("<p>第一段。</p>", subtype="html")
    message.add_attachment(b"x", maintype="application", subtype="pdf", filename="附件.pdf")
    decoded = load("a.eml", message.as_bytes())
    assert blocks_of(decoded) == [
        ("關於治理的報告", 0),
        ("From: 楊偉東 <yang@example.org>", None),
        ("To: all@example.org", None),
        ("第一段。", None),
        ("第二段。", None),
    ]
    check_blocks(decoded)
    assert [(one.what, one.count) for one in decoded.skipped] == [("attachments (附件.pdf)", 1)]


def test_html_where_there_is_nothing_else() -> None:
    message = made()
    message.set_content("<h1>題</h1><p>甲</p>", subtype="html")
    assert blocks_of(load("a.eml", message.as_bytes()))[-2:] == [("題", 1), ("甲", None)]


def test_bare_bytes_in_fields_are_read() -> None:
    content = "Subject: 報告已經收到\r\nFrom: a\r\nX: y\r\n\r\n內容".encode("gb18030")
    assert blocks_of(load("a.eml", content))[0] == ("報告已經收到", 0)


def test_parts_in_parts_without_end_are_refused() -> None:
    content = b"From: a\n" + b"".join(
        b"Content-Type: multipart/mixed; boundary=b%d\n\n--b%d\n" % (n, n) for n in range(3000)
    )
    with pytest.raises(DocumentError, match="no valid mail"):
        load("a.eml", content)


@settings(deadline=None)
@given(st.data())
def test_damaged_mails_are_read_or_refused(data: st.DataObject) -> None:
    message = made()
    message.set_content("第一段。", charset="gb18030")
    message.add_attachment(b"x", maintype="application", subtype="pdf", filename="附件.pdf")
    content = bytearray(message.as_bytes())
    for place in data.draw(st.lists(st.integers(0, len(content) - 1), max_size=6)):
        content[place] = data.draw(st.integers(0, 255))
    with suppress(DocumentError):
        check_blocks(load("a.eml", bytes(content)))


@pytest.mark.parametrize(
    "field",
    [
        b"Subject: =?utf-\xc3\xbc?b?eA==?=",
        b"Content-Disposition: attachment; filename*=utf-8''\xff\xfe",
        b"Content-Type: text/plain; charset*=a\x00b''\xff",
    ],
)
def test_fields_that_make_no_sense_are_left_as_they_are(field: bytes) -> None:
    content = b"From: a@example.org\nMIME-Version: 1.0\n" + field + b"\n\nwords"
    assert "a@example.org" in load("a.eml", content).text
