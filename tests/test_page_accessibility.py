"""What axe-core finds in the page: nothing, in every state, colour, width and language."""

import pytest
from axe_playwright_python.sync_playwright import Axe
from serving import Server, Visit, Visits

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
