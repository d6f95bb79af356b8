"""The page in a real browser."""

import pytest
from serving import HOSTILE, Server, Visit, Visits

from index import Index, fold
from qa import Strictness, ask


@pytest.mark.browser
def test_an_answer_is_quoted_and_its_number_leads_to_the_mark(
    server: Server, visit: Visits
) -> None:
    opened = visit(server)
    page = opened.page
    assert page.title() == "Yinzheng 引證"
    opened.choose("lenient")
    answer = opened.ask("What is Ordos's 三端五防線 model?")
    quote = answer.locator("blockquote").first
    link = quote.locator("a")
    mark = page.locator("#panel mark").first
    shown = quote.inner_text().removesuffix("[1]").strip()
    assert "三端五防線" in shown
    assert "(fáng)" not in shown
    assert mark.text_content() == shown
    assert quote.get_attribute("lang") == mark.get_attribute("lang") == "zh-Hant"
    assert "In the documents’ own words" in answer.inner_text()
    assert "Confidence:" in answer.inner_text()
    address = (link.get_attribute("href") or "").removeprefix("#")
    url = page.url
    link.click()
    assert opened.focused() == f"{address}-m"
    page.locator("#panel a[href^='#back-']").first.click()
    assert page.evaluate("document.activeElement.getAttribute('href')") == f"#{address}"
    assert page.url == url


@pytest.mark.browser
def test_not_found_looks_unlike_an_answer_and_offers_what_is_closest(
    server: Server, visit: Visits
) -> None:
    opened = visit(server)
    opened.choose("strict")
    answer = opened.ask("通辽市的人口是多少")
    assert answer.locator("h3").inner_text() == "在文档中没有找到答案。"
    assert answer.locator("h4").inner_text() == "最接近的段落，不构成答案"
    assert answer.locator("h3 ~ h4 ~ ul a").all_inner_texts() == ["[1]", "[2]", "[3]"]
    assert answer.locator("blockquote, em").count() == 0
    assert "可信度" not in answer.inner_text()
    border = "getComputedStyle(document.querySelector('#chat .bot .prose')).borderTopStyle"
    assert opened.page.evaluate(border) == "dashed"
    closest = opened.newest_turn.locator("details.closest")
    assert closest.get_attribute("open") is None
    assert "不构成答案" in closest.locator("summary").inner_text()
    assert closest.locator("article").count() == 3
    assert opened.page.locator("#panel mark").count() == 0
    answer.locator("a").nth(1).click()
    assert closest.get_attribute("open") is not None
    assert opened.focused() == closest.locator("article blockquote").nth(1).get_attribute("id")


@pytest.mark.browser
def test_small_talk_is_no_question_to_the_documents(
    server: Server, visit: Visits, report_index: Index
) -> None:
    opened = visit(server)
    opened.choose("lenient")
    answer = opened.ask("你好")
    said = ask("你好", index=report_index, strictness="lenient").text
    assert answer.locator(".prose").inner_text().strip() == said
    assert answer.locator("h3, h4, em, blockquote, a").count() == 0
    assert opened.page.locator("#panel .turn").count() == 0


# Some that the report answers in plain words, some in other words, some hardly or not at all.
ASKED = [
    "呼伦贝尔的“三务合一”是什么？",
    "烏海市全程網辦事項量提升了多少？",
    "What is Ordos's 三端五防線 model?",
    "誰擔任領導小組組長？",
    "二維碼如何使用？",
    "包頭市的行政權力事項有多少？",
    "調研發現了多少個問題？",
    "通辽市的人口是多少？",
]


@pytest.mark.browser
def test_the_strictness_chosen_is_the_one_asked_with(
    server: Server, visit: Visits, report_index: Index
) -> None:
    levels: tuple[Strictness, ...] = ("lenient", "balanced", "strict")
    outcomes = {
        question: [
            ask(question, index=report_index, strictness=level).status == "answered"
            for level in levels
        ]
        for question in ASKED
    }
    assert all(given == sorted(given, reverse=True) for given in outcomes.values())
    question = next(question for question in ASKED if outcomes[question][0] > outcomes[question][2])
    opened = visit(server)
    for level, is_answered in zip(levels, outcomes[question], strict=True):
        opened.choose(level)
        answer = opened.ask(question)
        assert (answer.locator("blockquote").count() > 0) == is_answered
        assert (answer.locator("h3").count() > 0) != is_answered


@pytest.mark.browser
def test_the_strictness_is_explained_and_remembered(server: Server, visit: Visits) -> None:
    opened = visit(server)
    page = opened.page
    group = page.get_by_role("radiogroup", name="Strictness")
    chosen = group.locator(":checked")
    hint = page.locator("#strictness [id^='hint-']:visible")
    assert chosen.get_attribute("value") == "balanced"
    page.locator("#question textarea").focus()
    for _ in range(3):
        page.keyboard.press("Tab")
        if page.evaluate("document.activeElement.type") == "radio":
            break
    page.keyboard.press("ArrowRight")
    assert chosen.get_attribute("value") == "strict"
    assert hint.all_inner_texts() == ["Quotes only when quite sure."]
    assert chosen.get_attribute("aria-describedby") == hint.get_attribute("id")
    for kept, expected in ((None, "strict"), ("'x'", "balanced")):
        if kept is not None:
            page.evaluate(f"localStorage.setItem('yinzheng-strictness', {kept})")
        page.reload()
        page.locator(f"#strictness [value={expected}]:checked").wait_for()
        page.wait_for_timeout(300)
        assert chosen.get_attribute("value") == expected
    page.evaluate("window.opened = true")


def highlighted(opened: Visit) -> list[str]:
    texts: list[str] = opened.page.evaluate(
        "[...CSS.highlights.get('decisive')].map(range => range.toString())"
    )
    return texts


@pytest.mark.browser
def test_the_words_that_decided_are_marked_in_the_quote(server: Server, visit: Visits) -> None:
    opened = visit(server)
    page = opened.page
    opened.choose("lenient")
    answer = opened.ask("烏海市全程網辦事項量提升了多少？")
    quote = page.locator("#panel mark").first
    words = [word.text_content() or "" for word in page.locator("#panel mark b").all()]
    assert words
    assert sum(map(len, words)) < len(quote.text_content() or "")
    assert highlighted(opened) == words
    assert answer.locator("blockquote").locator("mark, b, em").count() == 0
    assert answer.locator("blockquote strong").all_inner_texts() == ["15.4%"]
    assert page.locator("#panel mark strong").all_inner_texts() == ["15.4%"]
    look = "element => getComputedStyle(element).backgroundColor"
    assert quote.evaluate(look) != quote.locator("b").first.evaluate(look)
    assert page.locator("#chat [data-testid=bot][aria-label]").count() == 0
    opened.ask("你好")
    assert highlighted(opened) == words


@pytest.mark.browser
def test_the_other_places_of_a_quote_are_linked(copies_server: Server, visit: Visits) -> None:
    opened = visit(copies_server)
    page = opened.page
    opened.choose("lenient")
    answer = opened.ask("员工每年享有多少天带薪年假？")
    cited = page.locator("#panel .cite > blockquote mark").first.text_content() or ""
    also = answer.locator("a[href^='#also-']")
    assert also.count() == 3
    assert "又见于：" in answer.inner_text()
    assert "/ +1" in answer.inner_text()
    elsewhere = page.locator("#panel details.elsewhere")
    assert elsewhere.get_attribute("open") is None
    for link in also.all():
        link.click()
        assert opened.focused() == f"{(link.get_attribute('href') or '')[1:]}-m"
        assert fold(page.locator(":focus").text_content() or "") == fold(cited)
    assert elsewhere.get_attribute("open") is not None
    page.locator("#panel a[href^='#back-also-']").first.click()
    focused = page.evaluate("document.activeElement.getAttribute('href')")
    assert focused == also.first.get_attribute("href")
    assert answer.locator("img, code, script, b, a:not([href^='#'])").count() == 0
    assert page.locator("#panel").locator("img, code, script, b b").count() == 0


@pytest.mark.browser
def test_a_failure_is_neither_an_answer_nor_not_found(server: Server, visit: Visits) -> None:
    opened = visit(server)
    answer = opened.ask("為什麼" * 400)
    assert "出錯了" in answer.locator("h4").inner_text()
    assert "1,200 characters" in answer.inner_text()
    assert answer.locator("h3, blockquote, a").count() == 0
    assert opened.page.locator("#panel .turn").count() == 0


@pytest.mark.browser
def test_markup_in_a_question_is_shown_as_written(server: Server, visit: Visits) -> None:
    opened = visit(server)
    question = "<img src=http://evil.example/x onerror=alert(1)> **a** ![](http://evil.example/y)"
    opened.ask(question)
    assert opened.questions.first.inner_text().strip() == question
    assert opened.questions.locator("img, strong, a").count() == 0
    assert opened.newest_turn.locator("summary").first.inner_text().strip() == question


@pytest.mark.browser
def test_a_hostile_document_is_shown_as_text(hostile_server: Server, visit: Visits) -> None:
    opened = visit(hostile_server)
    assert opened.page.locator("#chat .example").count() == 0
    opened.choose("lenient")
    for line in HOSTILE:
        answer = opened.ask(f"{line[:4]}？")
        cited = answer.locator("blockquote", has_text=line[:4])
        assert cited.count() == 1, answer.inner_text()
        number = cited.locator("a").inner_text()
        assert cited.inner_text().removesuffix(number).rstrip() == line
        assert answer.locator("a:not([href^='#']), img, form, script").count() == 0
        address = (cited.locator("a").get_attribute("href") or "").removeprefix("#")
        mark = opened.page.locator(f"[id='{address}-m']")
        assert mark.text_content() == line
        assert all(word in line for word in mark.locator("b").all_text_contents())
    assert opened.page.locator("#panel").locator("img, form, script, input, b b").count() == 0


@pytest.mark.browser
@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_a_phone_scrolls_in_one_direction_only(server: Server, visit: Visits, scheme: str) -> None:
    opened = visit(server, viewport={"width": 390, "height": 844}, color_scheme=scheme)
    page = opened.page
    wide = "document.documentElement.scrollWidth > innerWidth"
    assert page.evaluate("document.body.classList.contains('dark')") == (scheme == "dark")
    assert not page.evaluate(wide)
    opened.choose("lenient")
    opened.ask("烏海市全程網辦事項量提升了多少？")
    assert not page.evaluate(wide)
    quote = page.locator("#chat blockquote").first.bounding_box()
    assert quote is not None
    assert quote["x"] + quote["width"] <= 390
    for part in page.locator("#strictness label").all():
        box = part.bounding_box()
        assert box is not None
        assert box["x"] + box["width"] <= 390
    chat, panel = page.locator("#chat").bounding_box(), page.locator("#sources").bounding_box()
    assert chat is not None
    assert panel is not None
    assert panel["y"] >= chat["y"] + chat["height"]


@pytest.mark.browser
def test_the_keyboard_reaches_the_citation(server: Server, visit: Visits) -> None:
    opened = visit(server)
    page = opened.page
    opened.choose("lenient")
    answer = opened.ask("呼伦贝尔的“三务合一”是什么？")
    address = answer.locator("blockquote a").first.get_attribute("href") or ""
    page.locator("#clear").focus()
    for _ in range(12):
        page.keyboard.press("Tab")
        if page.evaluate("document.activeElement.getAttribute('href')") == address:
            break
    page.keyboard.press("Enter")
    assert opened.focused() == f"{address[1:]}-m"


@pytest.mark.browser
def test_enter_sends_unless_a_word_is_being_composed(server: Server, visit: Visits) -> None:
    opened = visit(server)
    page = opened.page
    box = page.locator("#question textarea")
    box.fill("第一行")
    page.keyboard.press("Shift+Enter")
    page.keyboard.type("第二行")
    assert box.input_value() == "第一行\n第二行"
    for kind in ("keydown", "keypress"):
        box.evaluate(
            "(element, kind) => element.dispatchEvent(new KeyboardEvent(kind, "
            "{key: 'Enter', keyCode: 13, isComposing: true, bubbles: true, cancelable: true}))",
            kind,
        )
    page.wait_for_timeout(500)
    assert opened.questions.count() == 0
    box.focus()
    page.keyboard.press("Enter")
    opened.wait_for_answer()
    assert opened.questions.first.inner_text().strip() == "第一行\n第二行"
    assert box.input_value() == ""


@pytest.mark.browser
def test_an_example_asks_and_clear_empties(server: Server, visit: Visits) -> None:
    opened = visit(server)
    page = opened.page
    page.locator("#chat .example").nth(3).wait_for()
    assert page.locator("#chat .example").count() == 4
    opened.choose("lenient")
    empty = page.locator("#panel").inner_text()
    page.locator("#chat .example", has_text="三務合一").or_(
        page.locator("#chat .example", has_text="三务合一")
    ).click()
    answer = opened.wait_for_answer()
    assert "黨務聯建" in answer.inner_text()
    page.locator("#clear").click()
    page.locator("#chat .example").first.wait_for()
    assert opened.answers.count() == opened.questions.count() == 0
    assert page.locator("#panel").inner_text() == empty


@pytest.mark.browser
@pytest.mark.parametrize(
    ("locale", "language", "word"),
    [
        ("zh-CN", "zh-CN", "提问"),
        ("zh-SG", "zh-CN", "提问"),
        ("zh-Hans-CN", "zh-CN", "提问"),
        ("zh-HK", "zh-TW", "提問"),
        ("zh-Hant-TW", "zh-TW", "提問"),
        ("de-DE", "en", "Ask"),
    ],
)
def test_the_page_speaks_the_browsers_language(
    server: Server, visit: Visits, locale: str, language: str, word: str
) -> None:
    page = visit(server, locale=locale).page
    assert page.locator("#question .submit-button").inner_text() == word
    assert page.evaluate("document.documentElement.lang") == language


@pytest.mark.browser
def test_citations_survive_a_restart_of_the_server(server: Server, visit: Visits) -> None:
    opened = visit(server)
    page = opened.page
    opened.choose("lenient")
    first = opened.ask("What is Ordos's 三端五防線 model?")
    assert server.stop() == 0
    server.start()
    page.wait_for_timeout(1500)
    opened.complaints.clear()  # the connection was lost, and said so
    opened.ask("呼伦贝尔的“三务合一”是什么？")
    ids: list[str] = page.evaluate("[...document.querySelectorAll('#panel [id]')].map(e => e.id)")
    marks = [name for name in ids if name.endswith("-m")]
    assert len(marks) == len(set(marks)) == 2
    link = first.locator("blockquote a").first
    link.click()
    assert opened.focused() == f"{(link.get_attribute('href') or '')[1:]}-m"
    assert "三端五防線" in (page.locator(":focus").text_content() or "")
