"""A conversation as a file: every quote exact, every reference leading back to it."""

import json
from datetime import datetime, timezone

import pytest
from serving import HOSTILE

from index import Index
from page.conversation import Messages, a_message
from page.exporting import exported, plain_text
from page.markdown import from_markdown, to_markdown
from page.messages import answer_parts
from qa import Answer, ask, resolve

NOW = datetime(2026, 1, 2, 3, 4, tzinfo=timezone.utc)


def a_conversation(index: Index, *questions: str) -> tuple[Messages, list[Answer]]:
    answers = [ask(one, index=index, strictness="lenient") for one in questions]
    messages: Messages = []
    for turn, answer in enumerate(answers, start=1):
        messages.append(a_message("user", to_markdown(answer.question)))
        messages.append(a_message("assistant", "\n\n".join(answer_parts(answer, turn))))
    return messages, answers


def test_json_holds_every_quote_and_its_reference(report_index: Index) -> None:
    questions = ("烏海市全程網辦事項量提升了多少？", "呼伦贝尔的“三务合一”是什么？", "你好")
    messages, answers = a_conversation(report_index, *questions)
    file = exported(messages, "json", report_index, NOW)
    value = json.loads(file["text"])
    assert value["format"] == "yinzheng-conversation"
    assert [turn["question"] for turn in value["turns"]] == list(questions)
    assert [turn["status"] for turn in value["turns"]] == ["answered", "answered", "none"]
    for turn, answer in zip(value["turns"], answers, strict=True):
        expected = [(one.quote, one.reference) for one in answer.citations]
        assert [(one["quote"], one["reference"]) for one in turn["citations"]] == expected
    assert value["turns"][2]["reply"] == answers[2].text


def test_markdown_shows_exactly_what_was_asked_and_quoted(hostile_index: Index) -> None:
    messages, answers = a_conversation(hostile_index, *(f"{line[:4]}？" for line in HOSTILE))
    text = exported(messages, "markdown", hostile_index, NOW)["text"]
    lines = text.split("\n")
    for answer in answers:
        assert f"## {to_markdown(answer.question)}" in lines
        for citation in answer.citations:
            assert citation.quote in [
                from_markdown(line[2:]) for line in lines if line.startswith("> ")
            ]
            assert f"`{citation.reference}`" in text
            assert resolve(citation.reference, index=hostile_index).quote == citation.quote
    assert "<" not in text.replace("&lt;", "")


def test_not_found_is_exported_as_such(report_index: Index) -> None:
    answer = ask("通辽市的人口是多少", index=report_index, strictness="strict")
    assert answer.status == "not_found"
    messages = [
        a_message("user", answer.question),
        a_message("assistant", "\n\n".join(answer_parts(answer, 1))),
    ]
    text = exported(messages, "markdown", report_index, NOW)["text"]
    assert f"**{answer.text}**" in text
    assert "不构成答案" in text
    [turn] = json.loads(exported(messages, "json", report_index, NOW)["text"])["turns"]
    assert turn["status"] == "not_found"
    quotes = [hit.passage.text for hit in answer.closest[:3]]
    assert turn["citations"] == []
    assert [one["quote"] for one in turn["closest"]] == quotes


def test_a_quote_that_is_gone_is_exported_from_the_message(
    report_index: Index, hostile_index: Index
) -> None:
    messages, [answer] = a_conversation(hostile_index, "攻擊二號？")
    value = json.loads(exported(messages, "json", report_index, NOW)["text"])
    [cited, *_] = value["turns"][0]["citations"]
    assert cited["quote"] == answer.citations[0].quote
    assert cited["status"] == "gone"
    assert cited["reference"].startswith("yinzheng:")
    assert cited["reference"].endswith(f"#{answer.citations[0].start}-{answer.citations[0].end}")


@pytest.mark.parametrize(
    "question",
    ["../../etc/passwd", "a\r\nX: y\0", 'a"b;c\\d:e|f*g?<h>', "甲" * 300, "\u202eexe.txt", ".", ""],
)
def test_the_name_of_the_file_is_safe(report_index: Index, question: str) -> None:
    messages = [a_message("user", to_markdown(question)), a_message("assistant", "x")]
    name = exported(messages, "markdown", report_index, NOW)["name"]
    assert name.endswith("-20260102-0304.md")
    assert len(name) <= 60
    assert all(one.isalnum() or one in "-_" for one in name.removesuffix(".md"))
    assert name.startswith("yinzheng")


def test_the_words_of_a_message_have_no_addresses(hostile_index: Index) -> None:
    messages, [answer] = a_conversation(hostile_index, "攻擊八號？")
    text = plain_text(messages[1]["content"][0]["text"])
    assert answer.citations[0].quote in text
    assert "#cite-1-" not in text.replace(answer.citations[0].quote, "")
