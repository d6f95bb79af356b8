"""Names and headings that try to turn what stands beside them."""

from hypothesis import given
from hypothesis import strategies as st

from page.escaping import isolated

_ISOLATES, _EMBEDS = "\u2066\u2067\u2068", "\u202a\u202b\u202d\u202e"
_TEXT = st.text(alphabet=[*_ISOLATES, *_EMBEDS, "\u2069", "\u202c", "甲", "א", "a"], max_size=20)


def depths(text: str) -> list[int]:
    """Return in how many isolates each character stands, and last, what is left open.

    After rules X1 to X8 of UAX #9: a PDI closes an isolate with all embeddings in it, a PDF only an
    embedding that was opened last.
    """
    open_, found = "", []
    for character in text:
        found.append(open_.count("I"))
        if character in _ISOLATES:
            open_ += "I"
        elif character in _EMBEDS:
            open_ += "E"
        elif character == "\u2069" and "I" in open_:
            open_ = open_[: open_.rindex("I")]
        elif character == "\u202c" and open_.endswith("E"):
            open_ = open_[:-1]
    return [*found, len(open_)]


@given(_TEXT)
def test_a_name_turns_nothing_but_itself(text: str) -> None:
    shown = isolated(text)
    *inside, left = depths(shown)
    assert text in shown
    assert left == 0
    at = len(shown) - len(shown.lstrip("\u2068")) if shown != text else 0
    own = inside[at : at + len(text)] if shown != text else []
    leading = len(text) - len(text.lstrip("\u2068"))
    assert all(depth >= 1 for depth in own[: len(text) - leading])


def test_what_turns_nothing_stays_as_it_is() -> None:
    assert isolated("第一章 總則 (a) – 1") == "第一章 總則 (a) – 1"
