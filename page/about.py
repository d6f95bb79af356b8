"""The tab "about the index": what it holds, a map of its passages, how it has answered.

Nothing of it is computed or sent before a reader opens the tab.
"""

import logging
import re
import time
from collections.abc import Callable, Iterator
from concurrent.futures import TimeoutError as NotYetError
from contextlib import contextmanager, suppress
from functools import partial
from typing import TYPE_CHECKING, Any

from index import Index, YinzhengError
from page.about_charts import (
    MOST_BARS,
    confidence_chart,
    map_chart,
    shares_chart,
    similarity_chart,
)
from page.about_html import (
    confidence_html,
    drawing_html,
    failed_html,
    map_html,
    map_table_html,
    notice_html,
    passage_html,
    quality_html,
    shares_html,
    similarity_html,
    totals_html,
)
from page.about_words import SAID, language_from
from qa.indexes import shared_index
from qa.overview import Overview, histogram, passage_shares
from qa.passage_map import MOST_PASSAGES, PassageMap
from qa.quality_report import read_quality_report
from qa.server.services import Services
from qa.types import Language

if TYPE_CHECKING:
    import gradio as gr

Known = dict[str, str]
"""What a page shows already, by part: in which language, and of which state."""
Updates = dict[str, Any]
"""New values by the name of what shows them."""

_CHARTS = ("shares", "similarity", "confidence")
# The last number only makes each choice another one.
_CHOSEN = re.compile(r"([0-9A-Za-z._-]{1,80}):([0-9]{1,12})#[0-9]{1,9}")
_SIMILARITY_BINS = 50  # each .01 wide, from .5 to 1
_LANGUAGE = "(_, known) => [navigator.language, known]"
_CHOICE = "(_, chosen, known) => [navigator.language, chosen, known]"
_FOCUS = "() => window.yinzhengAbout && window.yinzhengAbout.shown()"
_logger = logging.getLogger("yinzheng")


def about_tab(services: Services, words: "gr.I18n") -> None:
    """Add the tab to the tabs that are being made."""
    import gradio as gr

    with gr.Tab(words("about_tab"), id="about") as tab, gr.Column(elem_id="about"):
        parts = _parts()
        language = gr.Textbox(visible="hidden", elem_id="about-language")
        chosen = gr.Textbox(visible="hidden", elem_id="about-chosen")
        known = gr.State({})
    outputs = [*parts.values(), known]

    def named(updates: Updates) -> dict[Any, Any]:
        return {known if name == "known" else parts[name]: new for name, new in updates.items()}

    def opened(asked: str, shown: Known) -> Iterator[dict[Any, Any]]:
        yield from map(named, show(services, asked, shown))

    def chose(asked: str, choice: str, shown: Known) -> Iterator[dict[Any, Any]]:
        yield from map(named, choose(services, asked, choice, shown))

    quiet: dict[str, Any] = {"show_progress": "hidden", "api_visibility": "private"}
    tab.select(opened, [language, known], outputs, js=_LANGUAGE, **quiet)
    # A change made by a script fires no other event; and the last choice is the one that counts.
    chose_one = chosen.change(chose, [language, chosen, known], outputs, js=_CHOICE, **quiet)
    chose_one.then(None, None, None, js=_FOCUS)


def _parts() -> "dict[str, gr.HTML | gr.Plot]":
    """Make what the tab shows, empty, in order."""
    import gradio as gr

    parts: dict[str, gr.HTML | gr.Plot] = {}

    def html(name: str) -> None:
        parts[name] = gr.HTML(elem_id=f"about-{name}", elem_classes="about-part")

    def plot(name: str) -> None:
        # Without a chart it takes no room (about.css); one made visible later may stay hidden.
        parts[f"{name}-plot"] = gr.Plot(
            elem_id=f"about-{name}-plot", show_label=False, container=False
        )

    html("totals")
    html("map")
    plot("map")
    html("passage")
    html("map-table")
    with gr.Row(elem_id="about-charts"):
        for name in _CHARTS:
            with gr.Column(min_width=300):
                html(name)
                plot(name)
                html(f"{name}-table")
    html("quality")
    return parts


def show(services: Services, asked: object, known: Known) -> Iterator[Updates]:
    """Yield what a page that has just opened the tab does not show yet.

    Args:
        services: of this server.
        asked: the language the browser calls its own; unchecked.
        known: what the page shows already.
    """
    language = language_from(asked)
    known = dict(known)
    try:
        with _one_failure():
            index = shared_index(services.settings.index)
            overview = services.overviews.of(index).result()
    except _FailedError as error:
        yield {"totals": failed_html("holds", error.said(language), language)}
        return
    totals = partial(_totals, overview, index, language)
    yield from _if_new(known, "totals", _key(index, language), totals)
    yield from _asked_so_far(services, known, language)
    yield from _quality(services, known, overview, language)
    yield from _map(services, known, index, overview, language)


def choose(services: Services, asked: object, choice: object, known: Known) -> Iterator[Updates]:
    """Yield the passage chosen; where the index was rebuilt meanwhile, everything anew.

    Args:
        services: of this server.
        asked: the language the browser calls its own; unchecked, as is what follows.
        choice: the generation of the map that was chosen from, and the passage's id.
        known: what the page shows already.
    """
    language = language_from(asked)
    matched = _CHOSEN.fullmatch(choice) if isinstance(choice, str) else None
    if matched is None:
        return
    try:
        with _one_failure():
            index = shared_index(services.settings.index)
            is_same = matched[1] == index.generation
            passage = passage_html(index, int(matched[2]), language) if is_same else ""
    except _FailedError as error:
        yield {"passage": notice_html(error.said(language), language)}
        return
    yield {"passage": passage or notice_html(SAID[language]["rebuilt"], language)}
    if not is_same:
        yield from show(services, asked, known)


def _if_new(known: Known, part: str, key: str, updates: Callable[[], Updates]) -> Iterator[Updates]:
    if known.get(part) != key:
        known[part] = key
        yield {**updates(), "known": dict(known)}


def _key(index: Index, language: Language) -> str:
    return f"{language} {index.generation}"


def _totals(overview: Overview, index: Index, language: Language) -> Updates:
    shares = passage_shares(overview, MOST_BARS)
    heading, table = shares_html(shares, language)
    return {
        "totals": totals_html(overview, index.warning, language),
        **_chart("shares", heading, shares_chart(shares, language), table),
    }


def _asked_so_far(services: Services, known: Known, language: Language) -> Iterator[Updates]:
    try:
        counts = services.confidences.counts()
    except YinzhengError as error:
        failed = failed_html("confidence", str(error), language)
        yield _chart("confidence", failed, None, "")
        return

    def updates() -> Updates:
        heading, table = confidence_html(counts, language)
        chart = confidence_chart(counts, language) if counts.total else None
        return _chart("confidence", heading, chart, table)

    yield from _if_new(known, "confidence", f"{language} {counts.total}", updates)


def _quality(
    services: Services, known: Known, overview: Overview, language: Language
) -> Iterator[Updates]:
    folder = services.settings.data_dir / "quality"
    try:
        report = read_quality_report(folder)
    except YinzhengError as error:
        yield {"quality": failed_html("quality", str(error), language)}
        return
    key = f"{language} {overview.info.generation} {report and report.written}"
    yield from _if_new(
        known,
        "quality",
        key,
        lambda: {"quality": quality_html(report, overview, str(folder), language)},
    )


def _map(
    services: Services, known: Known, index: Index, overview: Overview, language: Language
) -> Iterator[Updates]:
    """Yield how long the map has been being drawn, second by second; then the map."""
    if known.get("map") == _key(index, language):
        return
    started = time.monotonic()
    promised = services.maps.of(index)
    drawn: PassageMap | None = None
    passages = min(MOST_PASSAGES, len(index))
    try:
        while drawn is None:
            if not promised.done():
                seconds = int(time.monotonic() - started)
                yield {"map": drawing_html(passages, seconds, language)}
            with _one_failure(), suppress(NotYetError):
                drawn = promised.result(timeout=1)
    except _FailedError:
        yield {"map": failed_html("map", SAID[language]["map_failed"], language)}
        return
    found = drawn
    yield from _if_new(
        known, "map", _key(index, language), lambda: _map_updates(found, overview, language)
    )


def _map_updates(drawn: PassageMap, overview: Overview, language: Language) -> Updates:
    similar = histogram(drawn.nearest, low=0.5, high=1.0, bins=_SIMILARITY_BINS)
    heading, table = similarity_html(drawn, similar, language)
    chart = similarity_chart(similar, language) if len(drawn.nearest) else None
    of_map = (make(drawn, overview, language) for make in (map_html, map_chart, map_table_html))
    return {
        **_chart("map", *of_map),
        **_chart("similarity", heading, chart, table),
        # What was shown is of another generation, or in another language.
        "passage": "",
    }


def _chart(name: str, heading: str, chart: str | None, table: str) -> Updates:
    from gradio.components.plot import PlotData

    # Gradio brings plotly's script along, and loads it with the first chart that is shown.
    data = None if chart is None else PlotData(type="plotly", plot=chart)
    return {name: heading, f"{name}-plot": data, f"{name}-table": table}


class _FailedError(Exception):
    """What was asked for could not be made; the cause is known to the log, or told."""

    def said(self, language: Language) -> str:
        """Return what a reader is told."""
        told = isinstance(self.__cause__, YinzhengError)
        return str(self.__cause__) if told else SAID[language]["unexpected"]


@contextmanager
def _one_failure() -> Iterator[None]:
    """Make one kind of failure of all kinds; what was not raised on purpose is logged."""
    try:
        yield
    except Exception as error:
        if not isinstance(error, YinzhengError):
            _logger.error("The tab about the index failed", exc_info=error)
        raise _FailedError from error
