"""Markdown: headings and blocks as CommonMark has them, found with markdown-it-py."""

from collections.abc import Iterator
from itertools import accumulate

from markdown_it import MarkdownIt
from markdown_it.token import Token

from index.loaders.decoded import Block, Decoded, Options
from index.loaders.encodings import decode


def load_markdown(content: bytes, options: Options) -> Decoded:
    """Decode Markdown; the text stays as written, headings and paragraphs become blocks."""
    read = decode(content, options)
    text = read.text
    lines = text.splitlines(keepends=True)
    starts = [0, *accumulate(map(len, lines))]
    # CommonMark's line ends are fewer than Python's; with this the two count the same lines.
    source = "".join(line.rstrip("\r\n\v\f\x1c\x1d\x1e\x85\u2028\u2029") + "\n" for line in lines)
    tokens = MarkdownIt("commonmark").enable("table").parse(source)
    blocks = tuple(_blocks(tokens, text, starts))
    return Decoded(text, read.encoding, blocks, kind="md", notes=read.notes)


def _blocks(tokens: list[Token], text: str, starts: list[int]) -> Iterator[Block]:
    at = 0  # offsets only grow, so that the same words twice are found twice
    for index, token in enumerate(tokens):
        if token.type not in ("inline", "fence", "code_block") or token.map is None:
            continue
        opening = tokens[index - 1]
        if opening.type in ("th_open", "td_open"):  # a table row is told once, by its first cell
            if tokens[index - 2].type != "tr_open":
                continue
            block = _trimmed(text, starts[token.map[0]], starts[token.map[1]])
        else:
            block = _content(text, token, max(at, starts[token.map[0]]), starts[token.map[1]])
        at = block.end
        if block.start < block.end:
            level = int(opening.tag[1]) - 1 if opening.type == "heading_open" else None
            yield Block(block.start, block.end, level)


def _content(text: str, token: Token, start: int, end: int) -> Block:
    """Return where a block's own words stand, without the marks of headings, lists and quotes."""
    words = token.content.strip().splitlines()
    if token.type == "inline" and words:
        first = text.find(words[0], start, end)
        last = text.rfind(words[-1], start, end)
        if 0 <= first <= last:
            return Block(first, last + len(words[-1]))
    return _trimmed(text, start, end)


def _trimmed(text: str, start: int, end: int) -> Block:
    piece = text[start:end]
    return Block(start + len(piece) - len(piece.lstrip()), start + len(piece.rstrip()))
