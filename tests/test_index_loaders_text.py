"""Plain text: encodings found out, forced and declared; undecodable bytes told with their place."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from index import REPORT, DocumentError, SettingError
from index.loaders import load
from index.loaders.encodings import detect

SIMPLIFIED = "各级政法机关坚持问题导向，把解决问题放在首位，推动各项部署落实落细。共办结3.65万件。"
TRADITIONAL = "各級政法機關堅持問題導向，把解決問題放在首位，推動各項部署落實落細。共辦結3.65萬件。"


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16", "utf-32", "gb18030"])
def test_a_text_comes_back(encoding: str) -> None:
    text = "鄂爾多斯 Ordos 𠀀\r\n三端，五防線。"
    assert load("a.txt", text.encode(encoding)).text == text


@pytest.mark.parametrize("keep", [20, 21, 41, 60, 61, None])
@pytest.mark.parametrize(
    ("text", "encoding"),
    [(SIMPLIFIED, e) for e in ("utf-8", "utf-16-le", "utf-16-be", "gbk", "gb18030")]
    + [(TRADITIONAL, e) for e in ("utf-8", "utf-16-le", "gb18030", "big5", "big5hkscs")],
)
def test_encodings_are_found_out_even_when_cut(text: str, encoding: str, keep: int | None) -> None:
    content = text.encode(encoding)[:keep]
    assert content.decode(detect(content), "ignore") == content.decode(encoding, "ignore")


def test_the_report_in_each_encoding() -> None:
    text = REPORT.read_text(encoding="utf-8")
    for encoding in ("utf-8", "utf-16-le", "utf-16-be", "gb18030", "big5hkscs"):
        content = text.encode(encoding, "ignore")
        assert load("a.txt", content).text == content.decode(encoding)


def test_ascii_in_utf16_and_western_text() -> None:
    assert detect("plain words".encode("utf-16-be")) == "utf-16-be"
    text = "Les élèves ont réussi leurs examens à l'été; voilà."
    assert load("a.txt", text.encode("windows-1252")).text == text


def test_undecodable_bytes_stay_and_are_told_with_their_place() -> None:
    broken = SIMPLIFIED.encode()[:30] + b"\xff" + SIMPLIFIED.encode()[30:] + b"\xfe"
    decoded = load("a.txt", broken)
    assert decoded.text == f"{SIMPLIFIED[:10]}\ufffd{SIMPLIFIED[10:]}\ufffd"
    assert decoded.encoding == "utf-8"
    assert decoded.notes == (
        "Undecodable as utf-8, and U+FFFD in the text: 2 pieces, at byte 30 (0xFF), "
        f"{len(broken) - 1} (0xFE).",
    )


def test_a_character_cut_at_the_end_is_told() -> None:
    (note,) = load("a.txt", SIMPLIFIED.encode("gbk")[:41]).notes
    assert note.startswith("Undecodable as gb18030")
    assert "at byte 40 (0x" in note


@pytest.mark.parametrize("content", [bytes(range(128, 256)) * 20, b"\xff\xff\xff"])
def test_what_is_no_text_is_refused(content: bytes) -> None:
    with pytest.raises(DocumentError, match=r"a\.txt: .* (Name the encoding|Leave it out)"):
        load("a.txt", content)


def test_an_encoding_can_be_forced() -> None:
    content = "あいうえお、日本".encode("shift_jis")
    assert load("a.txt", content, encoding="shift_jis").text == "あいうえお、日本"
    assert load("a.txt", SIMPLIFIED.encode("gbk"), encoding="gb2312").encoding == "gb18030"
    with pytest.raises(DocumentError, match="as utf-8"):
        load("a.txt", SIMPLIFIED.encode("gbk"), encoding="utf-8")
    for unknown in ("klingon", "base64", "undefined", "a\0b"):
        with pytest.raises(SettingError, match="no text encoding"):
            load("a.txt", b"x", encoding=unknown)


@given(st.text(alphabet=st.characters(codec="utf-8", exclude_categories=["Cc"]), min_size=1))
def test_any_utf8_text_is_read_as_it_is(text: str) -> None:
    if text.strip():
        assert load("a.txt", text.encode()).text == text


def test_garbage_in_is_noted_without_taking_time_by_the_square() -> None:
    content = (SIMPLIFIED.encode("gbk") + b"\xff") * 5000  # a linear pass takes a tenth of a second
    assert "5,000 pieces" in load("a.txt", content).notes[0]
