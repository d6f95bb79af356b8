"""Plain text."""

from index.loaders.decoded import Decoded, decode


def load_text(content: bytes) -> Decoded:
    """Decode plain text; its blocks are found by the splitter."""
    text, encoding = decode(content)
    return Decoded(text, encoding)
