"""Plain text."""

from index.loaders.decoded import Decoded, Options
from index.loaders.encodings import decode


def load_text(content: bytes, options: Options) -> Decoded:
    """Decode plain text; its blocks are found by the splitter."""
    read = decode(content, options)
    return Decoded(read.text, read.encoding, kind="txt", notes=read.notes)
