"""The tab "about the index" in a real browser: charts, marks, keyboard, dark, narrow."""

import re

import pytest
from serving import HOSTILE, Server, Visit, Visits

from index import REPORT, Index
from qa import resolve


def open_tab(opened: Visit) -> None:
    """Open the tab, and wait until the map can be used."""
    page = opened.page
    page.locator("#tabs").get_by_role("tab", name=re.compile("About|关于|關於")).click()
    page.locator("#about-map-plot .js-plotly-plot[role=img] .point").first.wait_for(timeout=60_000)


def hovered(opened: Visit, number: int) -> str:
    """Point at a mark of the map; return its label."""
    page = opened.page
    page.mouse.move(2, 2)
    page.locator("#about-map-plot .hoverlayer .hovertext").wait_for(state="detached")
    mark = page.locator("#about-map-plot .js-plotly-plot .point").nth(number)
    mark.scroll_into_view_if_needed()
    box = mark.bounding_box()
    assert box is not None
    page.mouse.move(box["x"] + box["width"] / 2, box["y"] + box["height"] / 2)
    label = page.locator("#about-map-plot .hoverlayer .hovertext")
    label.wait_for()
    return label.text_content() or ""


@pytest.mark.browser
def test_a_mark_leads_to_its_passage(server: Server, visit: Visits, report_index: Index) -> None:
    opened = visit(server)
    page = opened.page
    page.wait_for_timeout(1000)
    assert not [url for url in opened.requests if "Plotly" in url]
    open_tab(opened)
    assert [url for url in opened.requests if "Plotly" in url]
    facts = page.locator("#about-totals dl").inner_text()
    assert f"passages\n{len(report_index):,}\n" in facts
    assert f"generation\n{report_index.generation}" in facts
    shown = page.locator("#about-shown")
    assert shown.count() == 0
    title = report_index.document_list()[0][1]
    label = hovered(opened, 4)
    assert label.startswith(title[:10])
    page.mouse.down()
    page.mouse.up()
    shown.wait_for()
    text = shown.locator("blockquote").text_content() or ""
    found = resolve(shown.locator("code").inner_text(), index=report_index)
    assert found.quote == text
    assert found.document.title == title
    assert re.sub(r"\s", "", text)[:8] in re.sub(r"\s", "", label)
    page.wait_for_function("document.activeElement.id === 'about-shown'")
    # The mark is ringed.
    assert page.locator("#about-map-plot .js-plotly-plot .point").count() == len(report_index) + 1


@pytest.mark.browser
def test_every_passage_is_reached_by_keyboard(
    server: Server, visit: Visits, report_index: Index
) -> None:
    opened = visit(server)
    page = opened.page
    open_tab(opened)
    page.locator("#about-map-table summary").focus()
    page.keyboard.press("Enter")
    page.keyboard.press("Tab")
    page.keyboard.press("Enter")
    page.wait_for_function("document.activeElement.id === 'about-shown'")
    passages = report_index.passages_of(report_index.document_list()[0][0])
    quote = page.locator("#about-shown blockquote")
    at = [one.text for one in passages].index(quote.text_content() or "")
    assert 0 <= at < len(passages) - 1
    page.locator("#about-shown").get_by_role("button", name="Next passage").focus()
    page.keyboard.press("Enter")
    page.wait_for_function(
        "text => document.querySelector('#about-shown blockquote').textContent === text",
        arg=passages[at + 1].text,
    )
    nearest = page.locator("#about-shown li")
    assert nearest.count() == 5
    like = [float(one.split()[-1]) for one in nearest.locator("small").all_inner_texts()]
    assert like == sorted(like, reverse=True)


@pytest.mark.browser
def test_charts_have_tables_and_names(server: Server, visit: Visits, report_index: Index) -> None:
    opened = visit(server, locale="zh-CN")
    page = opened.page
    open_tab(opened)
    charts = page.locator("#about .js-plotly-plot")
    page.wait_for_function(
        "document.querySelectorAll('#about .js-plotly-plot[role=img]').length >= 3"
    )  # a fourth, when questions were counted
    names = [charts.nth(n).get_attribute("aria-label") for n in range(3)]
    assert names[0] == f"{len(report_index)} 个段落的地图，按标题着色；下面的表格内容相同。"
    assert names[1:] == ["各文档的段落数", "段落之间有多相似"]
    table = page.locator("#about-similarity-table")
    table.locator("summary").click()
    counts = [int(text) for text in table.locator("td").all_inner_texts()]
    assert sum(counts) == len(report_index)
    axis = page.locator("#about-similarity-plot .xtitle").text_content()
    assert axis == "与最相近段落的相似度"
    assert page.locator("#about section").first.get_attribute("lang") == "zh-Hans"


@pytest.mark.browser
def test_charts_follow_dark_and_light_and_a_narrow_page(server: Server, visit: Visits) -> None:
    opened = visit(
        server,
        locale="zh-TW",
        color_scheme="dark",
        viewport={"width": 360, "height": 740},
        has_touch=True,
        is_mobile=True,
    )
    page = opened.page
    open_tab(opened)
    letters = """() => getComputedStyle(
      document.querySelector("#about-map-plot .legendtext")).fill"""
    light, dark = "rgb(41, 37, 36)", "rgb(245, 245, 244)"
    page.wait_for_function(f"({letters})() === '{dark}'")
    page.evaluate("document.body.classList.remove('dark')")
    page.wait_for_function(f"({letters})() === '{light}'")
    page.evaluate("document.body.classList.add('dark')")
    page.wait_for_function(f"({letters})() === '{dark}'")
    assert page.evaluate("document.documentElement.scrollWidth") <= 360
    width = page.locator("#about-map-plot .js-plotly-plot .main-svg").first.bounding_box()
    assert width is not None
    assert 300 <= width["width"] <= 360
    # A finger scrolls, it does not zoom; and it can choose a mark.
    assert (
        page.evaluate(
            "document.querySelector('#about-map-plot .js-plotly-plot')._fullLayout.dragmode"
        )
        is False
    )
    mark = page.locator("#about-map-plot .js-plotly-plot .point").nth(2)
    mark.scroll_into_view_if_needed()
    box = mark.bounding_box()
    assert box is not None
    page.touchscreen.tap(box["x"] + box["width"] / 2, box["y"] + box["height"] / 2)
    page.locator("#about-shown blockquote").wait_for()
    assert page.evaluate("document.documentElement.scrollWidth") <= 360


@pytest.mark.browser
def test_hostile_passages_are_shown_as_they_are(
    hostile_server: Server, visit: Visits, hostile_index: Index
) -> None:
    opened = visit(hostile_server)
    page = opened.page
    open_tab(opened)
    passages = hostile_index.get_passages(range(len(hostile_index)))
    assert [one.text for one in passages] == HOSTILE
    marks = page.locator("#about-map-plot .js-plotly-plot .trace .point")
    assert marks.count() == len(passages)
    seen = set()
    for number in range(len(passages)):
        label = hovered(opened, number)
        assert label.startswith("<b>file")
        page.mouse.down()
        page.mouse.up()
        page.wait_for_function(
            "number => (document.querySelector('#about-shown') || {dataset: {}})"
            ".dataset.shown?.endsWith(`:${number}`)",
            arg=number,
        )
        text = page.locator("#about-shown blockquote").text_content() or ""
        assert text == passages[number].text
        shown = re.sub(r"\s|…$", "", label.removeprefix("<b>file"))
        assert re.sub(r"\s", "", text).startswith(shown)
        seen.add(text)
    assert seen == set(HOSTILE)
    room = page.locator("#about")
    assert room.locator("a, form, iframe, script, input, img[src^=http]").count() == 0


@pytest.mark.browser
def test_hostile_titles_are_shown_as_they_are(copies_server: Server, visit: Visits) -> None:
    opened = visit(copies_server)
    page = opened.page
    open_tab(opened)
    legend = page.locator("#about-map-plot .legendtext").all_text_contents()
    titles = ["[甲](http://evil.example/a)<b>", "丁<script>window.hurt=1</script>"]
    assert {title[:17] + "…" for title in titles} <= set(legend)
    page.locator("#about-shares-table summary").click()
    named = page.locator("#about-shares-table tbody th").all_text_contents()
    assert set(titles) <= set(named)
    assert page.locator("#about .js-plotly-plot a").count() == 0
    assert REPORT.name not in named
