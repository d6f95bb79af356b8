"""What axe-core finds in the page: nothing, in every state, colour, width and language."""

from typing import TYPE_CHECKING, Literal

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import expect
from serving import Server, Visit, Visits
from signing_in import READER

if TYPE_CHECKING:
    from playwright.sync_api import Browser

# Gradio's own violations that cannot be mended from here, as (rule, selector): none is left.
ALLOWED: frozenset[tuple[str, str]] = frozenset()


def violations(opened: Visit) -> set[tuple[str, str]]:
    found = Axe().run(opened.page).response["violations"]
    return {
        (one["id"], " ".join(map(str, node["target"]))) for one in found for node in one["nodes"]
    }


@pytest.mark.browser
@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("locale", ["zh-CN", "zh-TW", "en-US"])
def test_axe_finds_nothing(server: Server, visit: Visits, scheme: str, locale: str) -> None:
    opened = visit(server, locale=locale, color_scheme=scheme, reduced_motion="reduce")
    page = opened.page
    page.locator("#chat .example").first.wait_for()
    page.wait_for_timeout(300)
    assert violations(opened) <= ALLOWED
    opened.choose("strict")
    opened.ask("呼伦贝尔的“三务合一”是什么？")
    opened.ask("通辽市的人口是多少")
    page.locator("#panel summary").last.click()
    page.locator("#panel .closest summary").click()
    assert violations(opened) <= ALLOWED
    page.set_viewport_size({"width": 390, "height": 844})
    page.locator("#panel [data-do=read]").first.click()
    page.locator("#read-mark").wait_for()
    assert violations(opened) <= ALLOWED
    page.locator("#show-history").click()
    page.locator("#history .opener").wait_for()
    assert violations(opened) <= ALLOWED


@pytest.mark.browser
@pytest.mark.parametrize("width", [360, 390])
def test_a_narrow_page_never_scrolls_sideways(server: Server, visit: Visits, width: int) -> None:
    opened = visit(server, viewport={"width": width, "height": 780})
    page = opened.page
    wide = "document.documentElement.scrollWidth - innerWidth"
    assert page.evaluate(wide) <= 0
    opened.choose("lenient")
    opened.ask("What is Ordos's 三端五防線 model?")
    assert page.evaluate(wide) <= 0
    page.locator("#panel [data-do=read]").first.click()
    page.locator("#read-mark").wait_for()
    assert page.evaluate(wide) <= 0
    page.locator("#show-history").click()
    box = page.locator("#history").bounding_box()
    assert box is not None
    assert box["x"] >= 0
    assert box["x"] + box["width"] <= width
    assert page.evaluate(wide) <= 0


@pytest.mark.browser
@pytest.mark.parametrize("locale", ["zh-CN", "zh-TW", "en-US"])
def test_every_control_lies_in_the_narrowest_page(
    server: Server, visit: Visits, locale: str
) -> None:
    opened = visit(server, viewport={"width": 360, "height": 780}, locale=locale)
    expect(opened.page.get_by_role("tab")).to_have_count(3)
    for control in opened.page.locator("#strictness label, #conversation button").all():
        box = control.bounding_box()
        assert box is not None
        assert box["x"] >= 0
        assert box["x"] + box["width"] <= 360


@pytest.mark.browser
@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("locale", ["zh-CN", "zh-TW", "en-US"])
def test_axe_finds_nothing_where_people_sign_in(
    login_server: Server, chromium: "Browser", scheme: "Literal['light', 'dark']", locale: str
) -> None:
    context = chromium.new_context(color_scheme=scheme, locale=locale)
    try:
        page = context.new_page()
        page.goto(f"{login_server.url}login")
        page.locator("input[type=password]").wait_for()
        opened = Visit(page)
        assert violations(opened) == set()
        page.locator("input[name=name]").fill(READER)
        page.locator("input[type=password]").fill("wrong")
        page.keyboard.press("Enter")
        page.get_by_role("alert").wait_for()  # it was wrong, and that is said
        assert violations(opened) == set()
    finally:
        context.close()
