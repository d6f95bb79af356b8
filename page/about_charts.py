"""The charts of the tab "about the index", as plotly reads them.

Plotly takes part of HTML for markup in every text it is given: everything is escaped for it here.
"""

import json
import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from index import Passage
from page.about_words import SAID
from qa.confidence import THRESHOLDS
from qa.overview import Histogram, Overview, PassageShares
from qa.passage_map import PassageMap
from qa.server.scores import STEPS, ConfidenceCounts
from qa.types import Language

# Told apart also by the colour-blind, and at least three times as light or as dark as the page,
# be it light or dark; whoever sees no colours at all has the shapes. After Okabe and Ito (2008).
COLOURS = ("#0072b2", "#d55e00", "#009e73", "#b35c8f", "#a67c00", "#7a6fd0", "#5e7f3a")
SHAPES = ("circle", "square", "diamond", "triangle-up", "cross", "x", "star")
REST = "#8a8580"
MOST_BARS = 15
_HOVER_LINE = 22  # characters as wide as high: what a phone has room for
_HOVER_BEGINNING = 3 * _HOVER_LINE
_LEGEND = 18
_BAR_NAME = 12
_FEW = 5
# What turns the direction of writing would turn the rest of a label with it.
_INVISIBLE = re.compile("[\x00-\x1f\x7f-\x9f\u061c\u200b-\u200f\u2028-\u202e\u2060-\u206f\ufeff]+")


@dataclass(frozen=True)
class Group:
    """Passages of one colour.

    Attributes:
        name: title of their document, or their heading.
        members: their places in the map.
        is_rest: whether they are all that have no colour of their own.
    """

    name: str
    members: tuple[int, ...]
    is_rest: bool = False


def is_by_heading(overview: Overview) -> bool:
    """Return whether passages are coloured by heading: where there is but one document."""
    return len(overview.documents) == 1


def groups_of(drawn: PassageMap, overview: Overview, language: Language) -> list[Group]:
    """Return the passages by document, those with the most first; by heading if there is but one.

    The last group has those of all documents that are left.
    """
    by_heading = is_by_heading(overview)
    depth = _telling_depth(drawn.passages) if by_heading else 0
    members: dict[str, list[int]] = {}
    for at, passage in enumerate(drawn.passages):
        key = "".join(passage.headings[depth : depth + 1]) if by_heading else passage.document_id
        members.setdefault(key, []).append(at)
    ordered = sorted(members.items(), key=lambda pair: -len(pair[1]))
    names = {"": SAID[language]["no_heading"]} if by_heading else overview.titles
    own = len(COLOURS) if len(ordered) != len(COLOURS) + 1 else len(COLOURS) - 1
    groups = [Group(names.get(key, key), tuple(found)) for key, found in ordered[:own]]
    if rest := ordered[own:]:
        kind = "other_headings" if by_heading else "other_documents"
        others = tuple(sorted(at for _, found in rest for at in found))
        groups.append(Group(SAID[language][kind].format(len(rest)), others, is_rest=True))
    return groups


def _telling_depth(passages: Sequence[Passage]) -> int:
    """Return the first level on which not all passages stand under the same heading."""
    deepest = max((len(passage.headings) for passage in passages), default=0)
    for depth in range(deepest):
        if len({passage.headings[depth : depth + 1] for passage in passages}) > 1:
            return depth
    return 0


def plot_text(text: str) -> str:
    """Escape a text so that plotly shows it as it is, on one line."""
    line = " ".join(_INVISIBLE.sub(" ", text).split())
    # A zero-width blank behind $ keeps plotly from looking for formulas between two of them.
    escaped = line.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")
    return escaped.replace("$", "&#36;")


def _short(text: str, most: int) -> str:
    line = " ".join(text.split())
    return plot_text(line if len(line) <= most else line[: most - 1] + "…")


def map_chart(drawn: PassageMap, overview: Overview, language: Language) -> str:
    """Return the map: a trace for each group, and an empty one that rings the passage chosen."""
    groups = groups_of(drawn, overview, language)
    named = [one for one in groups if not one.is_rest]
    rest = [_trace(one, drawn, overview, REST, "circle-open") for one in groups if one.is_rest]
    traces = [
        _trace(one, drawn, overview, colour, shape)
        for one, colour, shape in zip(named, COLOURS, SHAPES, strict=False)
    ]
    # The rest are drawn first, under the others, and named last.
    layout = {
        "dragmode": "zoom",
        "hovermode": "closest",
        "showlegend": True,
        "legend": {
            "orientation": "h",
            "x": 0,
            "y": -0.02,
            "yanchor": "top",
            "itemsizing": "constant",
        },
        "xaxis": _BARE_AXIS,
        "yaxis": {**_BARE_AXIS, "scaleanchor": "x"},
        "height": 560,
    }
    return _chart([*rest, *traces, _RING], layout)


_BARE_AXIS = {"showgrid": False, "zeroline": False, "showticklabels": False}
_RING = {
    "type": "scatter",
    "mode": "markers",
    "name": "ring",
    "x": [],
    "y": [],
    "hoverinfo": "skip",
    "showlegend": False,
    "marker": {"symbol": "circle-open", "size": 20, "color": "#d1242f", "line": {"width": 3}},
}


def _trace(
    group: Group, drawn: PassageMap, overview: Overview, colour: str, shape: str
) -> dict[str, Any]:
    members = list(group.members)
    passages = [drawn.passages[at] for at in members]
    return {
        "type": "scatter",
        "mode": "markers",
        "name": plot_text(group.name) if group.is_rest else _short(group.name, _LEGEND),
        "legendrank": 2000 if group.is_rest else 1000,
        "x": [round(float(drawn.positions[at, 0]), 4) for at in members],
        "y": [round(float(drawn.positions[at, 1]), 4) for at in members],
        "customdata": [f"{drawn.generation}:{passage.id}" for passage in passages],
        "hovertext": [_hover(passage, overview) for passage in passages],
        "hoverinfo": "text",
        "marker": {
            "color": colour,
            "symbol": shape,
            "size": 9 if len(drawn.passages) <= 400 else 7,
            "opacity": 0.55 if group.is_rest else 0.85,
        },
    }


def _hover(passage: Passage, overview: Overview) -> str:
    """Return a passage's title, headings and beginning, on lines of its own."""
    title = overview.titles.get(passage.document_id, "")
    headings = " › ".join(one for one in passage.headings if one != title)
    beginning = _beginning(passage.text, _HOVER_BEGINNING)
    lines = [f"<b>{_short(title, _HOVER_LINE)}</b>"]
    if headings:
        lines.append(f"<i>{_short(headings, _HOVER_LINE)}</i>")
    return "<br>".join(lines + [plot_text(line) for line in _lines(beginning)])


def _beginning(text: str, most: int) -> str:
    line = " ".join(_INVISIBLE.sub(" ", text[: 2 * most]).split())
    return line if len(line) <= most and len(text) <= 2 * most else line[: most - 1] + "…"


def _lines(text: str) -> list[str]:
    return [text[at : at + _HOVER_LINE] for at in range(0, len(text), _HOVER_LINE)]


def shares_chart(shares: PassageShares, language: Language) -> str:
    """Return how many passages each of the largest documents has."""
    words = SAID[language]
    names = [_short(one.title, _BAR_NAME) for one in shares.largest]
    counts = [one.passages for one in shares.largest]
    # By number, as two documents may have the same title.
    places = list(range(len(names)))
    bars = {
        "type": "bar",
        "orientation": "h",
        "x": counts,
        "y": places,
        "text": [f"{count:,}" for count in counts],
        "textposition": "auto",
        "textangle": 0,
        "cliponaxis": False,
        "hovertext": names,
        "hoverinfo": "text+x",
        "marker": {"color": COLOURS[0]},
    }
    yaxis = {
        "autorange": "reversed",
        "tickmode": "array",
        "tickvals": places,
        "ticktext": names,
        "automargin": True,
        "fixedrange": True,
    }
    layout = {"xaxis": _axis(words["shares_axis"]), "yaxis": yaxis, "height": 120 + 24 * len(names)}
    return _chart([bars], layout)


def similarity_chart(found: Histogram, language: Language) -> str:
    """Return how many passages are how similar to the one most like them."""
    words = SAID[language]
    layout = {
        "xaxis": _axis(words["similarity_axis"], _reach(found)),
        "yaxis": _count_axis(words["count"], max(found.counts, default=0)),
        "height": 320,
        "bargap": 0.05,
    }
    return _chart([_bars(found, found.counts, words["count"], COLOURS[0])], layout)


def confidence_chart(counts: ConfidenceCounts, language: Language) -> str:
    """Return how many questions were answered and refused with each confidence."""
    words = SAID[language]
    edges = tuple(step / STEPS for step in range(STEPS + 1))
    bins = Histogram(edges, counts.answered)
    highest = max(map(sum, zip(counts.answered, counts.refused, strict=True)), default=0)
    traces = [
        _bars(bins, counts.refused, words["refused"], COLOURS[1], "/"),
        _bars(bins, counts.answered, words["answered"], COLOURS[0]),
    ]
    layout = {
        "barmode": "stack",
        "bargap": 0.05,
        "xaxis": _axis(words["confidence_axis"], (0.0, 1.0)),
        "yaxis": _count_axis(words["questions"], highest),
        "height": 320,
        "showlegend": True,
        "legend": {"orientation": "h", "x": 0, "y": 1.25, "yanchor": "bottom"},
        "shapes": [_line_at(value) for value in THRESHOLDS.values()],
        "annotations": [
            _note_at(value, plot_text(words[name]), row)
            for row, (name, value) in enumerate(THRESHOLDS.items())
        ],
    }
    return _chart(traces, layout)


def _bars(
    found: Histogram, counts: Sequence[int], name: str, colour: str, pattern: str = ""
) -> dict[str, Any]:
    pairs = list(zip(found.edges, found.edges[1:], strict=False))
    return {
        "type": "bar",
        "name": plot_text(name),
        "x": [round((low + high) / 2, 6) for low, high in pairs],
        "width": [round(high - low, 6) for low, high in pairs],
        "y": list(counts),
        "hovertext": [
            f"{low:.2f}–{high:.2f}: {n:,}" for (low, high), n in zip(pairs, counts, strict=True)
        ],
        "hoverinfo": "text",
        "marker": {"color": colour, "pattern": {"shape": pattern}},
    }


def _reach(found: Histogram) -> tuple[float, float]:
    """Return the part of the axis that has values, with a bin's room on either side."""
    full = [at for at, count in enumerate(found.counts) if count]
    if not full:
        return found.edges[0], found.edges[-1]
    first, last = max(0, full[0] - 1), min(len(found.counts), full[-1] + 2)
    return found.edges[first], found.edges[last]


def _axis(title: str, reach: tuple[float, float] | None = None) -> dict[str, Any]:
    axis: dict[str, Any] = {"title": {"text": plot_text(title)}, "fixedrange": True}
    return axis if reach is None else {**axis, "range": list(reach)}


def _count_axis(title: str, highest: int) -> dict[str, Any]:
    axis = {**_axis(title), "tickformat": ",d"}
    # Between 0 and 1 plotly would put ticks that all read 0 or 1.
    return {**axis, "dtick": 1} if highest <= _FEW else axis


def _line_at(value: float) -> dict[str, Any]:
    line = {"color": REST, "dash": "dash", "width": 1.5}
    return {
        "type": "line",
        "x0": value,
        "x1": value,
        "y0": 0,
        "y1": 1,
        "yref": "paper",
        "line": line,
    }


def _note_at(value: float, text: str, row: int) -> dict[str, Any]:
    # The two lowest lie close together: each note has a line of its own.
    place = {"x": value, "y": 1 + 0.07 * (2 - row), "yref": "paper", "xanchor": "left"}
    return {**place, "yanchor": "bottom", "text": f"{text} {value:g}", "showarrow": False}


def _chart(traces: Sequence[dict[str, Any]], layout: dict[str, Any]) -> str:
    clear = "rgba(0,0,0,0)"
    common = {
        "paper_bgcolor": clear,
        "plot_bgcolor": clear,
        "showlegend": False,
        "dragmode": False,
        "margin": {"l": 8, "r": 8, "t": 8, "b": 8},
        "xaxis": {"automargin": True},
        "yaxis": {"automargin": True},
    }
    merged = {**common, **layout}
    for name in ("xaxis", "yaxis"):
        merged[name] = {"automargin": True, **merged[name]}
    # No bar of tools: its words are English, and it would cover marks on a narrow page.
    config = {"displayModeBar": False, "showTips": False, "responsive": True}
    return json.dumps(
        {"data": list(traces), "layout": merged, "config": config}, ensure_ascii=False
    )
