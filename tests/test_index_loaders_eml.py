"""Mail → blocks."""

from email.message import EmailMessage

import pytest
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
