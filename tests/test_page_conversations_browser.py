"""Conversations in a real browser: asked at once, kept, brought back, handed out, taken back."""

import json
import re
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from threading import Event
from typing import Any
from urllib.parse import urlsplit

import pytest
from playwright.sync_api import expect
from serving import Server, Visit, Visits

from index import Index
from qa import Strictness, ask, resolve
from qa.feedback import FEEDBACK_FILE, FeedbackStore

WUHAI = "烏海市全程網辦事項量提升了多少？"
HULUNBUIR = "呼伦贝尔的“三务合一”是什么？"

# When a message of the reader appears, seen from the key that sent it.
_CLOCK = """() => {
  window.waited = [];
  let pressed;
  document.addEventListener("keydown", (event) => {
    if (event.key === "Enter") pressed = performance.now();
  }, true);
  new MutationObserver((changes) => {
    const added = changes.some((one) => [...one.addedNodes].some((node) =>
      node.nodeType === 1 && (node.matches(".user-row") || node.querySelector(".user-row"))));
    if (added && pressed) {
      requestAnimationFrame(() => window.waited.push(performance.now() - pressed));
    }
  }).observe(document.querySelector("#chat"), { childList: true, subtree: true });
}"""


def kept_conversations(opened: Visit) -> list[dict[str, Any]]:
    texts: list[str] = opened.page.evaluate(
        "Object.keys(localStorage).filter(key => key.startsWith('yinzheng:conversation:1:'))"
        ".map(key => localStorage.getItem(key))"
    )
    return [json.loads(text) for text in texts]


def come_back(opened: Visit, turns: int) -> None:
    """Load the page again; the conversation is there when its sources are."""
    opened.page.reload()
    opened.page.locator("#panel .turn").nth(turns - 1).wait_for(state="attached")
    opened.page.evaluate("window.opened = true")


@pytest.mark.browser
def test_a_question_appears_at_once_and_costs_one_event(server: Server, visit: Visits) -> None:
    opened = visit(server)
    opened.choose("lenient")
    opened.page.wait_for_timeout(500)
    opened.page.evaluate(_CLOCK)
    opened.requests.clear()
    for _ in range(5):
        opened.ask(WUHAI)
    joins = [url for url in opened.requests if "queue/join" in url]
    others = [url for url in opened.requests if "/run/" in url or "/call/" in url]
    # What is asked beside is what to go on with, at most once for each answer.
    assert len(joins) == 5
    assert {urlsplit(url).path for url in others} <= {"/gradio_api/run/predict"}
    assert len(others) <= 5
    waited: list[float] = opened.page.evaluate("window.waited")
    assert len(waited) >= 5
    # The fastest of them: others share this machine, and the browser may be kept waiting.
    assert min(waited) <= 150, waited


@pytest.mark.browser
def test_an_empty_question_is_not_asked(server: Server, visit: Visits) -> None:
    opened = visit(server)
    for text in ("", "  \n "):
        opened.page.fill("#question textarea", text)
        opened.page.keyboard.press("Enter")
    opened.page.wait_for_timeout(800)
    assert opened.questions.count() == opened.answers.count() == 0


@pytest.mark.browser
@pytest.mark.parametrize("is_secure", [True, False])
def test_a_quote_is_copied_with_its_reference(
    server: Server, visit: Visits, report_index: Index, is_secure: bool
) -> None:
    opened = visit(server, locale="zh-TW", permissions=["clipboard-read", "clipboard-write"])
    page = opened.page
    if not is_secure:  # as on a page that is served over plain http in a local network
        page.evaluate("Object.defineProperty(navigator, 'clipboard', {value: undefined})")
    opened.choose("lenient")
    opened.ask(WUHAI)
    [citation, *_] = ask(WUHAI, index=report_index, strictness="lenient").citations
    button = page.locator("#panel [data-do=copy]").first
    button.focus()
    page.keyboard.press("Enter")
    page.locator("#notice", has_text="已複製引文和出處").wait_for()
    assert page.locator("#notice").get_attribute("aria-live") == "polite"
    assert page.evaluate("document.activeElement.dataset.do") == "copy"
    page.locator("#question textarea").focus()
    page.keyboard.press("Control+v")
    lines = page.locator("#question textarea").input_value().split("\n")
    assert lines[0] == citation.quote
    assert citation.document.title in lines[1]
    assert all(heading in lines[1] for heading in citation.headings)
    assert f"{citation.start}–{citation.end}" in lines[1]
    assert lines[2:] == [citation.reference]
    assert resolve(lines[2], index=report_index).quote == citation.quote


@pytest.mark.browser
def test_the_document_is_read_on_from_the_quote(
    server: Server, visit: Visits, report_index: Index
) -> None:
    opened = visit(server)
    page = opened.page
    opened.choose("lenient")
    opened.ask(WUHAI)
    button = page.locator("#panel [data-do=read]").first
    quote = page.locator("#panel mark").first.text_content()
    button.focus()
    page.keyboard.press("Enter")
    page.locator("#read-mark:focus").wait_for()
    assert page.locator("#read-mark").text_content() == quote
    assert page.locator("#read-mark b").count() == page.locator("#panel mark b").count()
    assert not page.locator("#panel").is_visible()
    text = report_index.document(report_index.document_list()[0][0]).text
    shown = page.locator("#document .text")
    assert (shown.text_content() or "") in text
    while page.locator("#document [data-more=earlier]").count():
        first = page.locator("#document section").get_attribute("data-first")
        page.locator("#document [data-more=earlier]").click()
        page.locator(f"#document section:not([data-first='{first}'])").wait_for()
    assert shown.text_content() == text
    assert page.locator("#document .heading", has_text="深入調查研究").count() == 1
    page.locator("[data-do=close-reader]").click()
    assert page.locator("#panel").is_visible()
    assert page.evaluate("document.activeElement.dataset.do") == "read"


@pytest.mark.browser
def test_a_conversation_survives_a_reload_and_a_server_that_was_away(
    server: Server, visit: Visits
) -> None:
    opened = visit(server)
    page = opened.page
    opened.choose("lenient")
    opened.ask(WUHAI)
    said = opened.ask(HULUNBUIR).inner_text()
    come_back(opened, 2)
    assert opened.answers.nth(1).inner_text() == said
    assert server.stop() == 0
    try:
        page.fill("#question textarea", "還在嗎")
        page.keyboard.press("Enter")
        page.locator("#notice", has_text="cannot be reached").wait_for(timeout=60_000)
        page.fill("#question textarea", "半句話")
    finally:
        server.start()
    page.wait_for_function("window.opened === undefined", timeout=60_000)  # it loads itself again
    page.locator("#panel .turn").nth(1).wait_for(state="attached")
    page.evaluate("window.opened = true")
    expect(opened.answers.nth(2)).to_contain_text("cannot be reached")
    expect(page.locator("#question .submit-button")).to_have_count(1)
    expect(page.locator("#question textarea")).to_have_value("半句話")
    link = opened.answers.nth(0).locator("blockquote a").first
    link.click()
    assert opened.focused() == f"{(link.get_attribute('href') or '')[1:]}-m"
    opened.complaints.clear()  # the connection was lost, and said so
    page.fill("#question textarea", "")


@pytest.mark.browser
def test_conversations_are_listed_opened_and_deleted(server: Server, visit: Visits) -> None:
    opened = visit(server)
    page = opened.page
    opened.choose("lenient")
    opened.ask(f"{WUHAI} <b>*x*</b>")
    page.locator("#new").click()
    page.locator("#chat .example").first.wait_for()
    expect(page.locator("#panel .turn")).to_have_count(0)
    opened.ask(HULUNBUIR)
    page.locator("#show-history").click()
    titles = page.locator("#history .opener")
    expect(titles).to_have_text([HULUNBUIR, f"{WUHAI} <b>*x*</b>"])
    titles.nth(1).click()
    page.locator("#panel .turn summary", has_text="烏海").first.wait_for()
    expect(opened.questions).to_have_text([f"{WUHAI} <b>*x*</b>"])
    page.locator("#show-history").click()
    page.get_by_role("button", name=f"Delete: {HULUNBUIR}").click()
    expect(titles).to_have_count(1)
    assert len(kept_conversations(opened)) == 1
    page.locator("#history").get_by_role("button", name="Undo").click()
    expect(titles).to_have_count(2)
    assert len(kept_conversations(opened)) == 2
    page.get_by_role("button", name="Delete all").click()
    page.locator("#none-kept").wait_for()
    assert kept_conversations(opened) == []
    page.keyboard.press("Escape")
    page.locator("#chat .example").first.wait_for()
    expect(opened.questions).to_have_count(0)


@pytest.mark.browser
def test_clear_can_be_taken_back(server: Server, visit: Visits) -> None:
    opened = visit(server)
    opened.choose("lenient")
    opened.ask(WUHAI)
    opened.page.locator("#clear").click()
    opened.page.locator("#chat .example").first.wait_for()
    expect(opened.questions).to_have_count(0)
    assert kept_conversations(opened) == []
    opened.page.locator("#notice").get_by_role("button", name="Undo").click()
    opened.page.locator("#panel .turn").first.wait_for()
    expect(opened.questions).to_have_text([WUHAI])


@pytest.mark.browser
def test_foreign_things_in_the_storage_are_left_alone(server: Server, visit: Visits) -> None:
    opened = visit(server)
    page = opened.page
    foreign = {
        "yinzheng:conversation:1:broken000": "{",
        "yinzheng:conversation:1:aaaaaaaaaa": '{"at": "x", "messages": 5}',
        "yinzheng:conversation:1:<img src=x>": '{"at": 1, "messages": []}',
        "yinzheng:conversation:2:aaaaaaaaaa": '{"at": 1}',
        "somebody-elses": "[]",
        "yinzheng:conversation:1:hostile000": json.dumps(
            {
                "at": 1,
                "messages": [
                    {"role": "user", "text": "<img src=x onerror=window.hurt=1>"},
                    {"role": "assistant", "text": "<form action=/x><input></form>![](/y)"},
                ],
            }
        ),
    }
    for key, value in foreign.items():
        page.evaluate("([key, value]) => localStorage.setItem(key, value)", [key, value])
    page.locator("#show-history").click()
    titles = page.locator("#history .opener")
    expect(titles).to_have_count(1)
    titles.first.click()
    expect(opened.answers.first).to_contain_text("<form action=/x><input></form>![](/y)")
    assert page.locator("#chat").locator("form, input, img").count() == 0
    unchanged = page.evaluate("key => localStorage.getItem(key)", "somebody-elses")
    assert unchanged == "[]"


@pytest.mark.browser
def test_a_conversation_is_exported(
    server: Server, visit: Visits, report_index: Index, tmp_path: Path
) -> None:
    opened = visit(server, locale="zh-CN")
    page = opened.page
    opened.choose("lenient")
    opened.ask(WUHAI)
    [citation, *_] = ask(WUHAI, index=report_index, strictness="lenient").citations
    page.locator("#show-history").click()
    for kind, suffix in (("markdown", "md"), ("json", "json")):
        with page.expect_download() as download:
            page.locator(f"#history [data-kind={kind}]").click()
        assert re.fullmatch(
            rf"yinzheng-\w+-[0-9]+-[0-9]+\.{suffix}", download.value.suggested_filename
        )
        download.value.save_as(tmp_path / kind)
    assert f"> {citation.quote}\n" in (tmp_path / "markdown").read_text(encoding="utf-8")
    assert citation.reference in (tmp_path / "markdown").read_text(encoding="utf-8")
    value = json.loads((tmp_path / "json").read_text(encoding="utf-8"))
    assert value["turns"][0]["citations"][0]["reference"] == citation.reference


@pytest.mark.browser
def test_undo_gives_the_question_back_as_it_was_typed(server: Server, visit: Visits) -> None:
    opened = visit(server)
    page = opened.page
    opened.choose("lenient")
    opened.ask("你好")
    question = f"{HULUNBUIR} <b> *x* [y](z) &amp;"
    opened.ask(question)
    page.get_by_label("Undo").last.click()
    page.locator("#panel .turn").wait_for(state="detached")
    expect(page.locator("#question textarea")).to_have_value(question)
    expect(opened.questions).to_have_text(["你好"])
    assert [len(one["messages"]) for one in kept_conversations(opened)] == [2]


@pytest.mark.browser
@pytest.mark.parametrize("after", [0, 700])  # before and after the server knows of the question
def test_a_question_that_waits_is_stopped(server: Server, visit: Visits, after: int) -> None:
    opened = visit(server, locale="zh-CN")
    page = opened.page
    opened.choose("lenient")
    long = {"question": "烏海市的網辦事項" * 120}
    stopped = Event()

    def ask_on() -> set[int]:
        told = {server.post_json("api/v1/ask", long)}
        while not stopped.is_set():
            told.add(server.post_json("api/v1/ask", long))
        return told

    with ThreadPoolExecutor(40) as others:  # more than are answered at once
        asking = [others.submit(ask_on) for _ in range(40)]
        page.fill("#question textarea", HULUNBUIR)
        page.keyboard.press("Enter")
        page.wait_for_timeout(after)
        try:
            page.locator("#question .stop-button").click()
            expect(opened.answers.last).to_have_text("已停止，没有作答。")
            # Not before the server has taken it, which takes as long as the others make it wait.
            expect(page.locator("#question .submit-button")).to_have_count(1, timeout=60_000)
        finally:
            stopped.set()
        assert set().union(*(asked.result() for asked in asking)) <= {200, 429, 503}
    page.wait_for_timeout(500)
    # What was stopped does not come after all, and what is asked next is answered.
    expect(opened.answers).to_have_text(["已停止，没有作答。"])
    assert opened.ask(WUHAI).locator("blockquote").count() > 0
    expect(opened.answers.first).to_have_text("已停止，没有作答。")
    come_back(opened, 1)
    expect(opened.answers.first).to_have_text("已停止，没有作答。")


# Some are answered at every strictness, some at none.
_TRIED = [
    *(WUHAI, HULUNBUIR, "What is Ordos's 三端五防線 model?", "調研發現了多少個問題？"),
    *("誰擔任領導小組組長？", "二維碼如何使用？", "包頭市的行政權力事項有多少？"),
]


@pytest.mark.browser
def test_retry_asks_again_with_the_strictness_chosen_now(
    server: Server, visit: Visits, report_index: Index
) -> None:
    def is_answered(question: str, level: Strictness) -> bool:
        return ask(question, index=report_index, strictness=level).status == "answered"

    question = next(
        one for one in _TRIED if is_answered(one, "lenient") and not is_answered(one, "strict")
    )
    opened = visit(server)
    opened.choose("strict")
    assert opened.ask(question).locator("h3").count() == 1
    opened.choose("lenient")
    opened.page.get_by_label("Retry").last.click()
    opened.page.locator("#panel .cite").first.wait_for()
    opened.wait_for_answer()
    assert opened.answers.locator("blockquote").count() > 0
    assert opened.questions.all_inner_texts() == [question]
    assert opened.page.locator("#panel .turn").count() == 1
    assert opened.page.locator("#panel .near").count() == 0


# Words of ours and of the documents that are the same in every language.
_LATIN = {"Yinzheng", "Markdown", "JSON"}
_SAID = """() => [...document.querySelectorAll("body *")].flatMap((element) => {
  if (element.closest("script, style, svg, #script-words [data-word]")) return [];
  const named = ["aria-label", "title", "alt", "placeholder", "aria-description",
    "aria-roledescription"].map((name) => element.getAttribute(name));
  const said = [...element.childNodes].filter((node) => node.nodeType === 3)
    .map((node) => node.data);
  return [...named, ...said].filter((text) => /[A-Za-z]{3,}/.test(text || ""));
})"""


@pytest.mark.browser
@pytest.mark.parametrize("locale", ["zh-CN", "zh-TW"])
def test_no_english_is_left_in_a_chinese_page(server: Server, visit: Visits, locale: str) -> None:
    opened = visit(server, locale=locale)
    page = opened.page
    page.locator("#chat .example").first.wait_for()
    page.wait_for_timeout(300)
    examples = set(page.locator("#chat .example-text").all_inner_texts())
    assert set(page.evaluate(_SAID)) - examples == _LATIN
    opened.choose("lenient")
    opened.ask("烏海市全程網辦事項量提升了多少？")
    page.locator("#panel [data-do=read]").first.click()
    page.locator("#read-mark").wait_for()
    page.locator("#show-history").click()
    page.wait_for_timeout(300)
    assert set(page.evaluate(_SAID)) == _LATIN


@pytest.mark.browser
def test_a_question_too_many_is_refused_in_the_readers_language(
    server: Server, visit: Visits
) -> None:
    opened = visit(server, locale="zh-CN")
    page = opened.page
    # What the server says when its queue is full.
    full = {"detail": "Queue is full. Max size is 32 and size is 32."}
    page.route(
        "**/queue/join*",
        lambda route: route.fulfill(status=503, json=full),
    )
    page.fill("#question textarea", WUHAI)
    page.keyboard.press("Enter")
    page.locator("#chat h4", has_text="没有作答").wait_for()
    assert "现在提问的人太多" in opened.answers.last.inner_text()
    page.wait_for_timeout(300)
    assert set(page.evaluate(_SAID)) == _LATIN
    page.unroute("**/queue/join*")
    opened.choose("lenient")
    assert opened.ask(WUHAI).locator("blockquote").count() > 0
    opened.complaints.clear()  # the browser reports the 503


@pytest.mark.browser
def test_a_judgement_is_shown_again_and_changed_after_a_reload(
    server: Server, visit: Visits, report_dir: Path
) -> None:
    opened = visit(server)
    page = opened.page
    store = FeedbackStore(report_dir.parent / "data" / FEEDBACK_FILE, index=str(report_dir))

    def kept() -> list[tuple[str, str]]:
        return [(one.verdict, one.comment) for one in store.entries() if one.question == question]

    question = f"{WUHAI} 7"  # that no other test judges
    opened.ask(question)
    page.get_by_label("This helped").click()
    page.locator("#comment textarea, #comment input").fill("<b>好</b>")
    page.keyboard.press("Enter")
    page.locator("#notice", has_text="Thank you").wait_for()
    assert kept() == [("good", "<b>好</b>")]
    come_back(opened, 1)
    expect(page.get_by_label("You said that this helped")).to_be_visible()
    page.get_by_label("This did not help").click()
    expect(page.get_by_label("You said that this did not help")).to_be_visible()
    page.locator("#thanks").wait_for()
    assert [verdict for verdict, _ in kept()] == ["bad"]
    page.locator("#new").click()
    expect(page.locator("#thanks")).to_be_hidden()  # it asked about the other conversation


@pytest.mark.browser
def test_the_conversation_can_be_handed_out_by_keyboard(server: Server, visit: Visits) -> None:
    opened = visit(server)
    page = opened.page
    opened.ask(WUHAI)
    page.get_by_role("button", name="Export", exact=True).focus()
    page.keyboard.press("Enter")
    expect(page.locator("#history [data-kind=markdown]")).to_be_focused()
    with page.expect_download() as download:
        page.keyboard.press("Enter")
    assert download.value.suggested_filename.endswith(".md")
