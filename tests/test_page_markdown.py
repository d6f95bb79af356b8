"""Text → Markdown → text."""

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st
from serving import MARKUP_TEXT

from page.markdown import from_markdown, in_blockquote, to_markdown


@given(MARKUP_TEXT)
def test_an_escaped_text_comes_back_as_it_was(text: str) -> None:
    assert from_markdown(to_markdown(text)) == text


@pytest.mark.parametrize(
    ("text", "escaped"),
    [
        ("2022年，結案率提高6%（同比）。", "2022年，結案率提高6%（同比）。"),
        ("<b>&amp;", "&lt;b&gt;&amp;amp;"),
        ("![a](http://e/x)", r"!\[a\](http:\//e/x)"),
        ("www.e.example a@e", r"www\.e.example a\@e"),
        (r"C:\new $x$", r"C:\\new \$x\$"),
        ("1. 一\n- 二\n# 三\n===", "1\\. 一\n\\- 二\n\\# 三\n\\==="),
        ("    code", "&#32;   code"),
    ],
)
def test_what_would_be_markup_is_escaped_and_nothing_else(text: str, escaped: str) -> None:
    assert to_markdown(text) == escaped


@given(text=MARKUP_TEXT, places=st.tuples(st.integers(0, 30), st.integers(0, 30)))
def test_a_part_that_is_set_off_changes_no_word(text: str, places: tuple[int, int]) -> None:
    start, end = sorted(min(at, len(text)) for at in places)
    assume("\r\n" not in text)  # which a phrase would not end within
    shown = in_blockquote(text, (start, end))
    before, _, rest = shown.partition("<strong>")
    inside, _, _ = rest.partition("</strong>")
    lines = shown.split("\n")
    assert all(line.startswith("> ") for line in lines)
    unquoted = "\n".join(line[2:] for line in lines)
    assert from_markdown(unquoted) == text.replace("\r", "\n")
    assert from_markdown(inside.replace("\n> ", "\n")) == text[start:end].replace("\r", "\n")
    assert before.startswith("> ")


def test_the_part_that_is_set_off() -> None:
    assert in_blockquote("於*一*年完成", (1, 5)) == "> 於<strong>\\*一\\*年</strong>完成"
    assert in_blockquote("無") == "> 無"
