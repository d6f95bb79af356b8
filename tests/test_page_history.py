"""Conversations that the browser kept: what comes back, and what does not."""

import pytest
from hypothesis import given
from hypothesis import strategies as st
from serving import HOSTILE, MARKUP_TEXT

from index import Index
from page.conversation import MOST_MESSAGES, question_of, text_of, up_to_question
from page.history import brought_back, opened
from page.markdown import from_markdown, to_markdown
from page.messages import answer_parts, failure
from qa import ask


def kept(role: str, text: str) -> dict[str, str]:
    return {"role": role, "text": text}


def test_every_message_of_ours_comes_back_as_it_was(
    hostile_index: Index, report_index: Index
) -> None:
    asked = [(f"{line[:4]}？", hostile_index) for line in HOSTILE]
    asked += [("烏海市全程網辦事項量提升了多少？", report_index), ("你好", report_index)]
    texts = []
    for level in ("lenient", "strict"):
        for question, index in asked:
            answer = ask(question, index=index, strictness=level)
            texts.append("\n\n".join(answer_parts(answer, 3)))
    texts += [failure("en", "Port 7860 [x] is <in> use", "0a1b2c3d"), "*正在检索…*"]
    assert any("### " in text for text in texts)
    messages = brought_back([kept("assistant", text) for text in texts])
    assert [text_of(message) for message in messages] == texts


@given(MARKUP_TEXT.filter(lambda text: text.strip()))
def test_a_question_comes_back_as_it_was_asked(text: str) -> None:
    [message] = brought_back([kept("user", to_markdown(text.strip()))])
    assert question_of(message) == text.strip()


@pytest.mark.parametrize(
    "text",
    [
        "<form action=http://evil.example><input type=password></form>",
        "![](http://evil.example/x)",
        "[here](http://evil.example)",
        "[here](javascript:alert(1))",
        "<http://evil.example>",
        "http://evil.example",
        "www.evil.example",
        "[x]: http://evil.example",
        "`code`",
        "a | b\n--- | ---",
        "$x$",
        "[[1]](#cite-1-ab-0-5)<img src=x>",
        "![1](#cite-1-ab-0-5)",
        "[a <b>](#also-1-ab-0-5)",
        "a@evil.example",
        "<strong onclick=alert(1)>x</strong>",
        "<<strong>script>",
        "http:<strong>//evil.example</strong>",
    ],
)
def test_what_this_page_never_writes_comes_back_as_text(text: str) -> None:
    [message] = brought_back([kept("assistant", text)])
    assert text_of(message) == to_markdown(text)
    assert from_markdown(text_of(message)) == text


@pytest.mark.parametrize(
    "foreign",
    [
        None,
        "text",
        {"role": "user"},
        [None, 3, [], {}],
        [{"role": "user"}, {"text": 5, "role": "user"}],
        [{"role": "assistant", "text": "x" * 100_001}],
        [{"role": "assistant", "text": ""}],
    ],
)
def test_what_is_no_conversation_brings_nothing(report_index: Index, foreign: object) -> None:
    messages, sources = opened(foreign, str(report_index.index_dir))
    assert messages == []
    assert "no_sources" in sources


def test_a_long_one_comes_back_up_to_a_bound() -> None:
    messages = brought_back([kept("user", str(n)) for n in range(1000)])
    assert len(messages) == MOST_MESSAGES
    assert text_of(messages[-1]) == "999"
    assert len(brought_back([kept("assistant", "字" * 90_000)] * 50)) == 4


@given(st.lists(st.sampled_from(["user", "assistant"])), st.one_of(st.none(), st.integers()))
def test_a_conversation_is_cut_behind_a_question(roles: list[str], place: int | None) -> None:
    history = brought_back([kept(role, str(n)) for n, role in enumerate(roles)])
    cut = up_to_question(history, place)
    assert cut == history[: len(cut)]
    assert not cut or cut[-1]["role"] == "user"
