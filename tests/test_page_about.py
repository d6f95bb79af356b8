"""What the tab "about the index" sends to a page, before a browser sees it."""

import html
import json
import re
import threading
from collections.abc import Iterator
from pathlib import Path
from string import Formatter
from typing import Any

import pytest
from hypothesis import given
from selectolax.lexbor import LexborHTMLParser
from serving import COPIES, MARKUP_TEXT

from index import Index, build_index, open_index, rollback
from page.about import Updates, choose, show
from page.about_charts import COLOURS, REST, SHAPES, groups_of, map_chart, plot_text
from page.about_html import passage_html
from page.about_words import ABOUT_WORDS, SAID, language_from
from page.words import PAGE_WORDS
from qa import ask, resolve
from qa.once import OncePerGeneration
from qa.overview import overview_of
from qa.passage_map import PassageMap, draw_map
from qa.server.services import Services
from qa.server.settings import ServerSettings


@pytest.fixture(scope="module")
def copies(tmp_path_factory: pytest.TempPathFactory, tiny: Path) -> Iterator[Index]:
    """Documents whose titles try to be markup."""
    folder = tmp_path_factory.mktemp("copies")
    for number, text in enumerate(COPIES):
        (folder / f"{number}.md").write_text(text, encoding="utf-8")
    build_index(folder, index_dir=folder / "index", model=str(tiny))
    with open_index(folder / "index") as index:
        yield index


@pytest.fixture
def services(two_generations: Path, tmp_path: Path) -> Services:
    return Services(ServerSettings(index=str(two_generations), data_dir=tmp_path / "data"))


def after(updates: "Iterator[Updates]", known: dict[str, str]) -> Updates:
    """Return what a page shows in the end, with what it knows."""
    shown: Updates = {"known": known}
    for update in updates:
        shown.update(update)
    return shown


def chart_in(plot: Any) -> dict[str, Any]:
    assert plot.type == "plotly"
    chart: dict[str, Any] = json.loads(plot.plot)
    return chart


def test_every_language_says_the_same_things() -> None:
    def gaps(text: str) -> int:
        return sum(name is not None for _, name, _, _ in Formatter().parse(text))

    english = SAID["en"]
    for words in SAID.values():
        assert {name: gaps(text) for name, text in words.items()} == {
            name: gaps(text) for name, text in english.items()
        }
    for locale, words in ABOUT_WORDS.items():
        assert words.items() <= PAGE_WORDS[locale].items()
    assert [language_from(one) for one in ("zh-CN", "zh-TW", "fr", None, ["zh-CN"])] == [
        *("zh-Hans", "zh-Hant"),
        *("en", "en", "en"),
    ]


@given(text=MARKUP_TEXT)
def test_plotly_is_given_no_markup(text: str) -> None:
    escaped = plot_text(text)
    assert not re.search(r"[<>$\x00-\x1f]", escaped)
    # What plotly makes of entities it knows, in one pass.
    shown = re.sub(r"&(amp|lt|gt|#36);", lambda match: html.unescape(match[0]), escaped)
    assert "".join(shown.split()) == "".join(re.sub(_UNSEEN, "", text).split())


_UNSEEN = r"[\x00-\x1f\x7f-\x9f\u061c\u200b-\u200f\u2028-\u202e\u2060-\u206f\ufeff]"


def test_a_label_keeps_its_direction() -> None:
    assert plot_text("甲\u202e乙\u2066丙") == "甲 乙 丙"


def test_every_passage_is_on_the_map_once(copies: Index) -> None:
    drawn, overview = draw_map(copies), overview_of(copies)
    chart = json.loads(map_chart(drawn, overview, "zh-Hans"))
    traces = chart["data"][:-1]
    ids = [address.split(":") for trace in traces for address in trace["customdata"]]
    assert sorted(int(id_) for _, id_ in ids) == list(range(len(copies)))
    assert {generation for generation, _ in ids} == {copies.generation}
    assert len(traces) == len(COPIES)
    for trace in traces:
        for text, address in zip(trace["hovertext"], trace["customdata"], strict=True):
            (passage,) = copies.get_passages([int(address.split(":")[1])])
            assert re.sub(r"</?b>|</?i>|<br>", "", text).count("<") == 0
            beginning = plot_text(passage.text[:10])
            assert beginning in text.replace("<br>", "")


def test_passages_of_one_document_are_coloured_by_heading(report_index: Index) -> None:
    drawn, overview = draw_map(report_index), overview_of(report_index)
    groups = groups_of(drawn, overview, "en")
    assert sorted(at for group in groups for at in group.members) == list(range(len(report_index)))
    assert len(groups) > 1
    for group in groups:
        for at in group.members:
            assert group.name in (*drawn.passages[at].headings, SAID["en"]["no_heading"])


def test_many_documents_share_the_last_colour(tmp_path: Path, tiny: Path) -> None:
    for number in range(len(COLOURS) + 5):
        text = "\n\n".join(f"第{number}份第{line}段。" for line in range(1 + number % 3))
        (tmp_path / f"{number:02}.txt").write_text(text, encoding="utf-8")
    build_index(tmp_path, index_dir=tmp_path / "index", model=str(tiny))
    with open_index(tmp_path / "index") as index:
        drawn = draw_map(index)
        groups = groups_of(drawn, overview_of(index), "zh-Hant")
    assert [group.is_rest for group in groups] == [False] * len(COLOURS) + [True]
    assert groups[-1].name == "其他 5 份文件"
    sizes = [len(group.members) for group in groups[:-1]]
    assert sizes == sorted(sizes, reverse=True)
    assert sorted(at for group in groups for at in group.members) == list(range(len(index)))


def test_colours_can_be_seen_on_light_and_on_dark() -> None:
    def luminance(colour: str) -> float:
        parts = [int(colour[at : at + 2], 16) / 255 for at in (1, 3, 5)]
        linear = [p / 12.92 if p <= 0.04045 else ((p + 0.055) / 1.055) ** 2.4 for p in parts]
        return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]

    for colour in (*COLOURS, REST):
        for page in ("#ffffff", "#0c0a09"):
            low, high = sorted([luminance(colour), luminance(page)])
            assert (high + 0.05) / (low + 0.05) >= 3, (colour, page)
    assert len(set(SHAPES)) == len(SHAPES) == len(COLOURS)


def test_a_passage_is_shown_exactly_and_is_no_markup(hostile_index: Index, copies: Index) -> None:
    for index in (hostile_index, copies):
        for passage in index.get_passages(range(len(index))):
            tree = LexborHTMLParser(passage_html(index, passage.id, "en"))
            quote, code = tree.css_first("blockquote"), tree.css_first("code")
            assert quote is not None
            assert code is not None
            assert quote.text() == passage.text
            assert resolve(code.text(), index=index).quote == passage.text
            ours = {
                *("html", "head", "body", "article", "h3", "h4", "p", "small", "code", "button"),
                *("blockquote", "ol", "li", "br"),
            }
            assert {node.tag for node in tree.css("*")} <= ours
            near = [one.attributes["data-passage"] for one in tree.css("li button")]
            assert f"{index.generation}:{passage.id}" not in near
            assert len(near) == min(5, len(index) - 1)


def test_a_passage_that_is_not_there_is_said_to_be_none(hostile_index: Index) -> None:
    for outside in (-1, len(hostile_index), 10**12):
        assert "not in the index" in passage_html(hostile_index, outside, "en")


def test_a_page_is_sent_what_it_does_not_show_yet(
    services: Services, two_generations: Path
) -> None:
    shown = after(show(services, "zh-TW", {}), {})
    assert "索引裡有什麼" in shown["totals"]
    chart = chart_in(shown["map-plot"])
    assert sum(len(trace["x"]) for trace in chart["data"]) == 2
    known = shown["known"]
    assert list(show(services, "zh-TW", known)) == []
    assert "索引里有什么" in after(show(services, "zh-CN", known), known)["totals"]
    rollback(two_generations)
    renewed = after(show(services, "zh-TW", known), known)
    chart = chart_in(renewed["map-plot"])
    assert sum(len(trace["x"]) for trace in chart["data"]) == 1
    assert SAID["zh-Hant"]["too_few"] in renewed["similarity"]


def test_while_the_map_is_drawn_that_is_said(services: Services) -> None:
    may_draw = threading.Event()

    def draw_when_allowed(index: Index) -> PassageMap:
        assert may_draw.wait(timeout=20)
        return draw_map(index)

    services.__dict__["maps"] = OncePerGeneration(draw_when_allowed)
    updates = show(services, "en", {})
    said = next(update["map"] for update in updates if "map" in update)
    assert "is being drawn from 2 passages: 0 s so far" in said
    may_draw.set()
    assert "Each mark is a passage" in after(updates, {})["map"]


def test_a_choice_from_an_older_map_draws_the_new_one(
    services: Services, two_generations: Path
) -> None:
    known = after(show(services, "en", {}), {})["known"]
    with open_index(two_generations) as index:
        choice = f"{index.generation}:1#7"
        (passage,) = index.get_passages([1])
    (update,) = choose(services, "en", choice, known)
    assert passage.text in update["passage"]
    rollback(two_generations)
    updates = list(choose(services, "en", choice, known))
    assert "was rebuilt" in updates[0]["passage"]
    assert "map-plot" in after(iter(updates), known)
    for nonsense in ("", "x", "../1:1", None, 3, ["a:1"], f"{choice}#8"):
        assert list(choose(services, "en", nonsense, known)) == []


def test_confidences_are_shown_without_questions(services: Services, report_index: Index) -> None:
    shown = after(show(services, "en", {}), {})
    assert "No question has been counted yet" in shown["confidence"]
    assert shown["confidence-plot"] is None
    for question in ("烏海市全程網辦事項量提升了多少？", "通辽市的人口是多少"):
        services.confidences.add(ask(question, index=report_index, strictness="strict"))
    shown = after(show(services, "en", shown["known"]), shown["known"])
    assert "2 questions asked here since" in shown["confidence"]
    chart = chart_in(shown["confidence-plot"])
    assert sum(sum(trace["y"]) for trace in chart["data"]) == 2
    assert [shape["x0"] for shape in chart["layout"]["shapes"]] == [0.06, 0.12, 0.4]
    assert "通辽" not in json.dumps(chart, ensure_ascii=False) + shown["confidence-table"]


def test_one_part_that_fails_leaves_the_others(services: Services) -> None:
    folder = services.settings.data_dir / "quality"
    folder.mkdir(parents=True)
    (folder / "report.json").write_text("<script>")
    (folder.parent / "confidences.sqlite").write_bytes(b"<script>" * 100)
    shown = after(show(services, "en", {}), {})
    assert "report.json is no report" in shown["quality"]
    assert "confidences.sqlite cannot be read" in shown["confidence"]
    assert "<script>" not in shown["quality"] + shown["confidence"]
    assert "Each mark is a passage" in shown["map"]


def test_an_index_that_is_gone_is_said_to_be(tmp_path: Path) -> None:
    services = Services(ServerSettings(index=str(tmp_path / "none"), data_dir=tmp_path))
    (update,) = show(services, "en", {})
    assert html.escape(str(tmp_path / "none")) in update["totals"]
