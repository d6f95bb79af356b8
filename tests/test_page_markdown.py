"""Text → Markdown → text."""

import pytest
from hypothesis import given
from serving import MARKUP_TEXT

from page.markdown import from_markdown, to_markdown


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
