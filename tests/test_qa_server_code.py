"""Any text as Markdown code: drawn as it is."""

from hypothesis import given
from hypothesis import strategies as st
from markdown_it import MarkdownIt
from serving import MARKUP_TEXT

from qa.server.code import code_span, fenced

drawing = MarkdownIt("commonmark")


@given(MARKUP_TEXT.map(lambda text: " ".join(text.split()).replace("\x00", "")).filter(bool))
def test_a_span_is_drawn_as_it_stands(text: str) -> None:
    tokens = drawing.parse(f"[1] {code_span(text)} end")
    (inline,) = [token for token in tokens if token.type == "inline"]
    parts = [(one.type, one.content) for one in inline.children or []]
    assert parts == [("text", "[1] "), ("code_inline", text), ("text", " end")]


@given(
    st.lists(MARKUP_TEXT.map(lambda text: " ".join(text.split()).replace("\x00", "")), min_size=1)
)
def test_a_block_is_drawn_as_it_stands(lines: list[str]) -> None:
    text = "\n".join(lines)
    tokens = drawing.parse(f"[1]\n\n{fenced(text)}\n\nend")
    kinds = [token.type for token in tokens]
    assert kinds.count("fence") == 1
    (fence,) = [token for token in tokens if token.type == "fence"]
    assert fence.content == f"{text}\n"
