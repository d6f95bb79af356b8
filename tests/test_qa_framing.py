"""The frame around the quotes: the documents' words, and neutral ones of our own."""

import re

import pytest

from index import Index
from qa import ask
from qa.framing import is_small_talk
from qa.types import Language


@pytest.mark.parametrize(
    ("question", "language", "lead"),
    [
        ("乌海市全程网办事项量提升了多少", "zh-Hans", "文档原文"),
        ("烏海市全程網辦事項量提升了多少", "zh-Hant", "文件原文"),
        ("What is Ordos's 三端五防線 model?", "en", "The documents say"),
    ],
)
def test_the_text_frames_the_quotes(
    report_index: Index, question: str, language: Language, lead: str
) -> None:
    answer = ask(question, index=report_index)
    assert answer.language == language
    assert answer.text.startswith(lead)
    # Nothing is left but the lead, quotation marks and the titles of the documents.
    rest = answer.text
    for citation in answer.citations:
        assert citation.quote in rest
        rest = rest.replace(citation.quote, "").replace(citation.document.title, "")
    own = "文档原文文件共处處TheTdocumentssayinplaces"
    assert set(re.sub(r"[\W\d_]", "", rest)) <= set(own)


def test_not_found_is_said_in_the_questions_language(report_index: Index) -> None:
    assert ask("通辽市的人口是多少", index=report_index).text == "在文档中没有找到答案。"
    assert ask("通遼市的人口是多少", index=report_index).text == "在文件中沒有找到答案。"


@pytest.mark.parametrize(
    "greeting", ["你好", "您好！", "谢谢你", "再見", "Hello!", "hi", "Thank you"]
)
def test_small_talk_is_answered_politely(report_index: Index, greeting: str) -> None:
    answer = ask(greeting, index=report_index)
    assert answer.is_small_talk
    assert (answer.status, list(answer.citations), list(answer.closest)) == ("not_found", [], [])
    assert "引用" in answer.text or "quote" in answer.text


@pytest.mark.parametrize("question", ["你好在哪里", "谢谢你帮我查一下乌海市", "？？", "hit rate"])
def test_what_asks_more_is_no_small_talk(question: str) -> None:
    assert not is_small_talk(question)
