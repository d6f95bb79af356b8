"""Which language a question is in: Simplified Chinese, Traditional Chinese or English."""

import re

from index import script_of
from qa.types import Language

_LATIN_WORD = re.compile(r"[A-Za-z]+")
_HAN = re.compile("[\u3400-\u4dbf\u4e00-\u9fff\U00020000-\U000323af]")


def language_of(question: str) -> Language:
    """Return the language a reply should be in.

    An English question with a Chinese term in it is English; Chinese that is written alike in both
    scripts counts as Simplified.
    """
    # Two Han characters make about one word.
    if len(_LATIN_WORD.findall(question)) > len(_HAN.findall(question)) / 2:
        return "en"
    return script_of(question) or "zh-Hans"
