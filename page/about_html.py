"""The words and tables of the tab "about the index", as HTML; everything is escaped here."""

import base64
import html
from collections.abc import Iterable, Sequence

from index import Index, Passage, script_of
from page.about_charts import Group, groups_of, is_by_heading
from page.about_words import SAID
from qa.overview import Histogram, Overview, PassageShares
from qa.passage_map import PassageMap
from qa.quality_report import QualityReport
from qa.server.scores import STEPS, ConfidenceCounts
from qa.types import Language

_NEAREST = 5
_BEGINNING = 80


def escape(text: str) -> str:
    """Return a text as HTML shows it; a bare carriage return would be read as a line feed."""
    return html.escape(text).replace("\r", "&#13;")


def one_line(text: str) -> str:
    """Return a text on one line, escaped."""
    return escape(" ".join(text.split()))


def _lang(text: str) -> str:
    script = script_of(text)
    return f' lang="{script}"' if script else ""


def totals_html(overview: Overview, warning: str, language: Language) -> str:
    """Return what the index holds, as a list of terms and values."""
    words, info, size = SAID[language], overview.info, overview.size
    built = f"{info.created.astimezone():%Y-%m-%d %H:%M}"
    on_disk = sum(size.bytes_by_part.values())
    facts = [
        (words["documents"], f"{info.documents:,}"),
        (words["passages"], f"{info.passages:,}"),
        (words["sentences"], f"{size.sentences:,}"),
        (words["characters"], f"{size.characters:,}"),
        (words["built"], built),
        # A server does not say how much it takes.
        *([(words["disk"], words["megabytes"].format(on_disk / 1e6))] if on_disk else []),
        (words["model"], info.model),
        (words["generation"], info.generation),
    ]
    listed = "".join(f"<div><dt>{escape(a)}</dt><dd>{escape(b)}</dd></div>" for a, b in facts)
    parts = sorted(size.bytes_by_part.items(), key=lambda pair: -pair[1])
    rows = [(_part_name(n, language), words["megabytes"].format(b / 1e6)) for n, b in parts]
    table = _table((words["part"], words["disk"]), rows)
    told = f'<p class="alarm">⚠ {escape(words["fallback"].format(built))}</p>' if warning else ""
    folded = _folded(words["disk"], table) if on_disk else ""
    return _section(language, "holds", f"{told}<dl>{listed}</dl>{folded}")


def _part_name(name: str, language: Language) -> str:
    # The folder of sentence vectors is called like what it counts.
    return SAID[language].get("sentences_part" if name == "sentences" else name, name)


def drawing_html(passages: int, seconds: int, language: Language) -> str:
    """Return that the map is still being drawn."""
    said = SAID[language]["drawing"].format(passages, seconds)
    return _section(language, "map", f'<p class="drawing" role="status">{escape(said)}</p>')


def map_html(drawn: PassageMap, overview: Overview, language: Language) -> str:
    """Return what the map shows, and how to use it."""
    words, shown = SAID[language], len(drawn.passages)
    if shown == drawn.total:
        which = words["drawn_all"].format(shown)
    else:
        kind = "drawn_few" if overview.info.documents >= shown else "drawn_some"
        which = words[kind].format(shown, drawn.total)
    how = words["drawn_how"].format(drawn.method, drawn.seconds)
    label = "map_label_headings" if is_by_heading(overview) else "map_label"
    return _section(
        language,
        "map",
        f"<p>{escape(words['drawn'])} {escape(which)} <small>{escape(how)}</small></p>"
        f"<p>{escape(words['map_use'])}</p>"
        f'<span data-label="about-map" hidden>{escape(words[label].format(shown))}</span>',
    )


def map_table_html(drawn: PassageMap, overview: Overview, language: Language) -> str:
    """Return the map's groups as a table from which their passages can be opened."""
    words = SAID[language]
    groups = groups_of(drawn, overview, language)
    rows = "".join(_group_row(group, drawn, language) for group in groups)
    kind = words["heading" if is_by_heading(overview) else "document"]
    head = "".join(f'<th scope="col">{escape(one)}</th>' for one in (kind, words["on_map"]))
    table = f"<table><thead><tr>{head}<td></td></tr></thead><tbody>{rows}</tbody></table>"
    return f'<div lang="{language}">{_folded(words["map_table"], table)}</div>'


def _group_row(group: Group, drawn: PassageMap, language: Language) -> str:
    first = drawn.passages[group.members[0]]
    opens = _button(drawn.generation, first.id, SAID[language]["open_first"])
    name = f'<th scope="row"{_lang(group.name)}>{one_line(group.name)}</th>'
    return f"<tr>{name}<td>{len(group.members):,}</td><td>{opens}</td></tr>"


def _button(generation: str, passage_id: int, text: str) -> str:
    return (
        f'<button type="button" data-passage="{escape(generation)}:{passage_id}">'
        f"{one_line(text)}</button>"
    )


def passage_html(index: Index, passage_id: int, language: Language) -> str:
    """Return a passage with its place, its reference, and the way to others."""
    words = SAID[language]
    if not 0 <= passage_id < len(index):
        return notice_html(words["no_passage"], language)
    (passage,) = index.get_passages([passage_id])
    document = index.document(passage.document_id)
    place = _place(index, passage, language)
    characters = escape(words["place"].format(passage.start, passage.end))
    reference = f"yinzheng:{document.content_hash}#{passage.start}-{passage.end}"
    return (
        f'<article id="about-shown" tabindex="-1" lang="{language}" '
        f'data-shown="{escape(index.generation)}:{passage.id}" '
        f'aria-label="{escape(words["chosen"])}">'
        f"<h3{_lang(place)}>{one_line(place)}</h3>"
        f"<p><small>{characters} · {escape(words['reference'])} "
        f"<code>{reference}</code></small></p>"
        f"<blockquote{_lang(passage.text)}>{escape(passage.text)}</blockquote>"
        f"{_neighbours_in_document(index, passage, language)}{_nearest(index, passage, language)}"
        "</article>"
    )


def _place(index: Index, passage: Passage, language: Language) -> str:
    title = index.document(passage.document_id).title
    path = " › ".join([title, *(one for one in passage.headings if one != title)])
    if passage.page is None:
        return path
    return f"{path} · {SAID[language]['page'].format(passage.page)}"


def _neighbours_in_document(index: Index, passage: Passage, language: Language) -> str:
    ids = [at for at in (passage.id - 1, passage.id + 1) if 0 <= at < len(index)]
    buttons = [
        _button(
            index.generation,
            other.id,
            SAID[language]["previous" if other.id < passage.id else "next"],
        )
        for other in index.get_passages(ids)
        if other.document_id == passage.document_id
    ]
    return f"<p>{' '.join(buttons)}</p>" if buttons else ""


def _nearest(index: Index, passage: Passage, language: Language) -> str:
    vector = index.passage_vectors([passage.id])[0]
    ids, cosines = index.search_dense(vector, _NEAREST + 1)
    likeness = dict(zip(ids.tolist(), cosines.tolist(), strict=True))
    likeness.pop(passage.id, None)
    others = index.get_passages(list(likeness)[:_NEAREST])
    items = "".join(_nearest_item(index, one, likeness[one.id], language) for one in others)
    heading = escape(SAID[language]["near"])
    return f"<h4>{heading}</h4><ol>{items}</ol>" if items else ""


def _nearest_item(index: Index, passage: Passage, cosine: float, language: Language) -> str:
    place = _place(index, passage, language)
    beginning = " ".join(passage.text[:_BEGINNING].split())
    cut = "…" if len(passage.text) > _BEGINNING else ""
    like = escape(SAID[language]["likeness"].format(min(cosine, 1.0)))
    return (
        f"<li{_lang(passage.text)}>{_button(index.generation, passage.id, place)} "
        f"<small>{like}</small><br>{escape(beginning)}{cut}</li>"
    )


def notice_html(text: str, language: Language) -> str:
    """Return something to be told, as it is."""
    return f'<p class="notice" role="status" lang="{language}">{escape(text)}</p>'


def shares_html(shares: PassageShares, language: Language) -> tuple[str, str]:
    """Return what the chart of passages per document is called, and its table."""
    words = SAID[language]
    rows, said = [(one.title, f"{one.passages:,}") for one in shares.largest], ""
    if shares.other_documents:
        rest = words["other_documents"].format(shares.other_documents)
        rows.append((rest, f"{shares.other_passages:,}"))
        said = words["shares_rest"].format(shares.other_documents, shares.other_passages)
    table = _table((words["document"], words["passages"]), rows)
    return _headed(language, "shares", said), _below(language, table)


def similarity_html(drawn: PassageMap, found: Histogram, language: Language) -> tuple[str, str]:
    """Return what the chart of similarities shows, and its table."""
    words = SAID[language]
    if not len(drawn.nearest):
        return _headed(language, "similarity", words["too_few"]), ""
    said = words["similarity_text"].format(drawn.repeated, len(drawn.passages))
    pairs = zip(found.edges, found.edges[1:], found.counts, strict=False)
    rows = [(f"{low:.2f}–{high:.2f}", f"{count:,}") for low, high, count in pairs if count]
    table = _table((words["range"], words["count"]), rows)
    return _headed(language, "similarity", said), _below(language, table)


def confidence_html(counts: ConfidenceCounts, language: Language) -> tuple[str, str]:
    """Return what the chart of confidences shows, and its table."""
    words = SAID[language]
    if counts.since is None:
        return _headed(language, "confidence", words["confidence_none"]), ""
    since = f"{counts.since.astimezone():%Y-%m-%d %H:%M}"
    said = words["confidence_text"].format(counts.total, since)
    rows = [
        (f"{step / STEPS:.2f}–{(step + 1) / STEPS:.2f}", f"{answered:,}", f"{refused:,}")
        for step, (answered, refused) in enumerate(
            zip(counts.answered, counts.refused, strict=True)
        )
        if answered or refused
    ]
    table = _table((words["confidence_axis"], words["answered"], words["refused"]), rows)
    return _headed(language, "confidence", said), _below(language, table)


def quality_html(
    report: QualityReport | None, overview: Overview, folder: str, language: Language
) -> str:
    """Return the figures and pictures of an evaluation, or how to come by them."""
    words = SAID[language]
    if report is None:
        index = overview.info.index_dir
        command = (
            f"python -m qa eval QUESTIONS --index {index} --json {folder}/report.json "
            f"--plots {folder}"
        )
        said = f"<p>{escape(words['quality_none'])}</p><pre>{escape(command)}</pre>"
        return _section(language, "quality", said)
    said = words["quality_text"].format(
        report.asked,
        report.questions,
        f"{report.written.astimezone():%Y-%m-%d %H:%M}",
        report.documents,
        report.passages,
        report.model,
    )
    holds = (overview.info.documents, overview.info.passages)
    if (report.documents, report.passages) != holds:
        said += " " + words["quality_other"].format(*holds)
    body = f"<p>{escape(said)}</p>{_figures_table(report, language)}{_pictures(report, language)}"
    return _section(language, "quality", body)


def _figures_table(report: QualityReport, language: Language) -> str:
    words = SAID[language]
    rows = []
    for one in report.figures:
        # "refused" is a column of another table too, where it has another name.
        name = words["refused_share" if one.name == "refused" else one.name]
        value = f"{one.value:.3f}" if _is_share(one.name) else f"{one.value:,.0f}"
        between = "" if one.low is None else f"{one.low:.3f}–{one.high:.3f}"
        rows.append((name, value, between))
    return _table((words["figure"], words["value"], words["interval"]), rows)


def _is_share(name: str) -> bool:
    return not name.startswith(("milliseconds", "not_verbatim"))


def _pictures(report: QualityReport, language: Language) -> str:
    # As a picture, an SVG may hold scripts and addresses: a browser runs and fetches none of them.
    pictures = "".join(
        f'<img alt="{escape(SAID[language][name])}" '
        f'src="data:image/svg+xml;base64,{base64.b64encode(content).decode("ascii")}">'
        for name, content in report.pictures.items()
    )
    return f'<div class="pictures">{pictures}</div>'


def failed_html(part: str, message: str, language: Language) -> str:
    """Return a part that could not be shown, and why."""
    return _section(language, part, f'<p class="alarm" role="status">⚠ {escape(message)}</p>')


def _section(language: Language, part: str, body: str) -> str:
    return f'<section lang="{language}"><h2>{escape(SAID[language][part])}</h2>{body}</section>'


def _headed(language: Language, part: str, said: str) -> str:
    return _section(language, part, f"<p>{escape(said)}</p>" if said else "")


def _below(language: Language, table: str) -> str:
    return f'<div lang="{language}">{_folded(SAID[language]["table"], table)}</div>'


def _folded(summary: str, body: str) -> str:
    return f"<details><summary>{escape(summary)}</summary>{body}</details>"


def _table(names: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    head = "".join(f'<th scope="col">{escape(name)}</th>' for name in names)
    body = "".join(
        f'<tr><th scope="row"{_lang(row[0])}>{one_line(row[0])}</th>'
        + "".join(f"<td>{escape(value)}</td>" for value in row[1:])
        + "</tr>"
        for row in rows
    )
    return f"<table><thead><tr>{head}</tr></thead><tbody>{body}</tbody></table>"
