"""The page: a chat that shows what ``qa`` answers, and where every quote stands.

Everything that is not written in this file (documents, file names, questions, and the conversation
as the browser sends it back) is untrusted: it is escaped before it is shown and checked before it
is used.
"""

import argparse
import errno
import hashlib
import html
import logging
import os
import re
import signal
import socket
import sys
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from functools import lru_cache, partial
from itertools import pairwise
from typing import TYPE_CHECKING, Any, get_args

from index import (
    REPORT,
    Document,
    Index,
    Passage,
    YinzhengError,
    duplicate_key,
    script_of,
    telling_fallbacks,
)
from qa import Answer, Citation, Place, Strictness, ask
from qa.indexes import shared_index
from qa.language import language_of
from qa.types import Language

if TYPE_CHECKING:
    import gradio as gr
    from fastapi import FastAPI
    from gradio.components.chatbot import ExampleMessage
    from gradio.i18n import I18nData
    from starlette.types import ASGIApp, Message, Receive, Scope, Send

_logger = logging.getLogger("yinzheng")

Messages = list[dict[str, Any]]
"""A conversation as the chat component has it."""

# ---- words ---------------------------------------------------------------------------------------

# Around an answer: in the language of its question.
_WORDS: dict[Language, dict[str, str]] = {
    "zh-Hans": {
        "searching": "正在检索…",
        "stopped": "已停止，没有作答。",
        "found": "文档中的原文：",
        "high": "可信度：高",
        "medium": "可信度：中",
        "low": "可信度：低，请核对上下文",
        "closest": "最接近的段落，不构成答案",
        "also": "又见于：{}",
        "failed": "出错了，没有作答",
        "unexpected": "程序意外出错，这不代表文档里没有答案。请再问一次；如仍出错，请看日志。",
        "page": "第 {} 页",
        "place": "字符 {}–{}",
        "back": "回到回答",
        "gone": "文档已经更新，这些位置上不再是当时的原文。",
        "fallback": "最新的索引已损坏，这里用的是 {} 建立的一份。请重新建立索引。",
    },
    "zh-Hant": {
        "searching": "正在檢索…",
        "stopped": "已停止，沒有作答。",
        "found": "文件中的原文：",
        "high": "可信度：高",
        "medium": "可信度：中",
        "low": "可信度：低，請核對上下文",
        "closest": "最接近的段落，不構成答案",
        "also": "又見於：{}",
        "failed": "出錯了，沒有作答",
        "unexpected": "程式意外出錯，這不代表文件裡沒有答案。請再問一次；如仍出錯，請看日誌。",
        "page": "第 {} 頁",
        "place": "字元 {}–{}",
        "back": "回到回答",
        "gone": "文件已經更新，這些位置上不再是當時的原文。",
        "fallback": "最新的索引已損壞，這裡用的是 {} 建立的一份。請重新建立索引。",
    },
    "en": {
        "searching": "Searching…",
        "stopped": "Stopped without an answer.",
        "found": "In the documents’ own words:",
        "high": "Confidence: high",
        "medium": "Confidence: medium",
        "low": "Confidence: low; check the context",
        "closest": "Closest passages, which do not answer",
        "also": "Also in: {}",
        "failed": "Something went wrong; there is no answer",
        "unexpected": "This does not mean that the documents hold no answer. Ask again; if it "
        "fails again, look into the server's log.",
        "page": "page {}",
        "place": "characters {}–{}",
        "back": "Back to the answer",
        "gone": "The documents have changed: the quotes no longer stand at these places.",
        "fallback": "The newest index is damaged; this comes from the one built on {}. "
        "Build the index again.",
    },
}


def _hints(lenient: str, balanced: str, strict: str) -> str:
    hints = {"lenient": lenient, "balanced": balanced, "strict": strict}
    return "".join(f'<span id="hint-{name}">{hint}</span>' for name, hint in hints.items())


# Of the page itself: in the language of the browser. Gradio knows these three locales.
_PAGE_WORDS: dict[str, dict[str, str]] = {
    "en": {
        "ask": "Ask",
        "stop": "Stop",
        "promise": "Answers in your documents’ own words, each with its exact place — or says that "
        "there is none.",
        "placeholder": "Ask about your documents, in Chinese or English",
        "question": "Question",
        "conversation": "Conversation",
        "sources": "<h2>Sources</h2>",
        "no_sources": "The passages quoted will appear here: the quote marked in its context, and "
        "in it the words that decided.",
        "clear": "Clear",
        "hello": "What would you like to look up?",
        "strictness": "Strictness",
        "lenient": "Lenient",
        "balanced": "Balanced",
        "strict": "Strict",
        "hints": _hints(
            "Quotes more, and errs more.",
            "Weighs finding against erring.",
            "Quotes only when quite sure.",
        ),
    },
    "zh-CN": {
        "ask": "提问",
        "stop": "停止",
        "promise": "只用文档原文作答，句句标明出处；没有，就说没有。",
        "placeholder": "就您的文档提问，中文或英文均可",
        "question": "问题",
        "conversation": "对话",
        "sources": "<h2>出处</h2>",
        "no_sources": "引用的段落会显示在这里：引文在上下文中标出，其中起决定作用的词另加标记。",
        "clear": "清空",
        "hello": "想查什么？",
        "strictness": "严格程度",
        "lenient": "宽松",
        "balanced": "适中",
        "strict": "严格",
        "hints": _hints("引用得多，错得也多。", "兼顾多引与少错。", "很有把握才引用。"),
    },
    "zh-TW": {
        "ask": "提問",
        "stop": "停止",
        "promise": "只用文件原文作答，句句標明出處；沒有，就說沒有。",
        "placeholder": "就您的文件提問，中文或英文皆可",
        "question": "問題",
        "conversation": "對話",
        "sources": "<h2>出處</h2>",
        "no_sources": "引用的段落會顯示在這裡：引文在上下文中標出，其中起決定作用的詞另加標記。",
        "clear": "清空",
        "hello": "想查什麼？",
        "strictness": "嚴格程度",
        "lenient": "寬鬆",
        "balanced": "適中",
        "strict": "嚴格",
        "hints": _hints("引用得多，錯得也多。", "兼顧多引與少錯。", "很有把握才引用。"),
    },
}
_REPORT_QUESTIONS = (
    "What is Ordos's 三端五防線 model?",
    "呼伦贝尔的“三务合一”是什么？",
    "烏海市全程網辦事項量提升了多少？",
    "How many problems did the field research identify?",
)
_SURE_FROM, _FAIRLY_SURE_FROM = 0.7, 0.4


def _confidence_in_words(confidence: float, language: Language) -> str:
    if confidence >= _SURE_FROM:
        return _WORDS[language]["high"]
    return _WORDS[language]["medium" if confidence >= _FAIRLY_SURE_FROM else "low"]


# ---- the answer, in Markdown ---------------------------------------------------------------------

_MARKUP = re.compile(r"[\\`*_\[\]~|$@]|(?<=:)/(?=/)|(?<=www)\.", re.IGNORECASE)
_LINE_MARKER = re.compile(r"(^|[\r\n])(?:(?=[#+=-])|([0-9]{1,9})(?=[.)]))")
_LINE_SPACE = re.compile(r"(^|[\r\n])([ \t])")
_ESCAPE = re.compile(r"\\([!-/:-@\[-`{-~])")
_LINE_END = re.compile(r"\r\n|\r|\n")


def to_markdown(text: str) -> str:
    """Escape a text so that it is shown as it is: no markup, no links, no images.

    Only what would be markup is escaped, because copying a message copies its Markdown.
    """
    escaped = _MARKUP.sub(r"\\\g<0>", html.escape(text, quote=False))
    escaped = _LINE_MARKER.sub(r"\1\2\\", escaped)
    return _LINE_SPACE.sub(lambda m: f"{m[1]}&#{ord(m[2])};", escaped)


def from_markdown(escaped: str) -> str:
    """Return the text that ``to_markdown`` escaped."""
    return html.unescape(_ESCAPE.sub(r"\1", escaped))


def _in_blockquote(text: str) -> str:
    return "> " + _LINE_END.sub("\n> ", to_markdown(text))


def _message(role: str, text: str) -> dict[str, Any]:
    # Gradio strips and re-indents a plain string; a part of type text it leaves as it is.
    return {"role": role, "content": [{"type": "text", "text": text}]}


def _answer_parts(answer: Answer, turn: int) -> list[str]:
    """Return the paragraphs of an answer's message."""
    if answer.is_small_talk:
        return [to_markdown(answer.text)]
    if answer.status == "not_found":
        return [_not_found(answer, turn)]
    words = _WORDS[answer.language]
    quotes = [
        _quote_part(n, turn, citation, answer.language)
        for n, citation in enumerate(answer.citations, start=1)
    ]
    quotes[0] = f"{words['found']}\n\n{quotes[0]}"
    return [*quotes, f"*{_confidence_in_words(answer.confidence, answer.language)}*"]


def _not_found(answer: Answer, turn: int) -> str:
    """Return a message that is no answer: what was said, and apart from it what is closest."""
    said = f"### {to_markdown(answer.text)}"
    # Passages under the same headings share a line.
    closest: dict[str, str] = {}
    for number, hit in enumerate(answer.closest[:_MOST_CLOSEST], start=1):
        passage = hit.passage
        link = Link("near", turn, hit.document.id, passage.start, passage.end)
        place = _place(hit.document, passage.headings, passage.page, answer.language)
        closest[place] = f"{closest.get(place, '')} {link.to_markdown(number)}"
    if not closest:
        return said
    lines = [f"- {to_markdown(place)}{links}" for place, links in closest.items()]
    return "\n".join([said, "", f"#### {_WORDS[answer.language]['closest']}", "", *lines])


def _quote_part(number: int, turn: int, citation: Citation, language: Language) -> str:
    link = Link(
        "cite", turn, citation.document.id, citation.start, citation.end, _marks_of(citation)
    )
    place = _place(citation.document, citation.headings, citation.page, language)
    parts = [f"{_in_blockquote(citation.quote)} {link.to_markdown(number)}", to_markdown(place)]
    if citation.also_in:
        parts.append(_also_part(turn, citation.also_in, language))
    return "\n\n".join(parts)


def _marks_of(citation: Citation) -> tuple[int, ...]:
    """Return where in a quote the words that decided begin and end, by turns."""
    marks = citation.marks[:_MOST_MARKS]
    return tuple(at - citation.start for mark in marks for at in (mark.start, mark.end))


def _also_part(turn: int, places: Sequence[Place], language: Language) -> str:
    links = []
    for place in places[:_MOST_ELSEWHERE]:
        link = Link("also", turn, place.document.id, place.start, place.end)
        characters = _WORDS[language]["place"].format(place.start, place.end)
        # The title stands outside the link: the chat un-escapes brackets inside of it.
        links.append(f"{to_markdown(_title(place))} [{characters}](#{link.address})")
    more = len(places) - len(links)
    listed = " / ".join([*links, f"+{more}"] if more else links)
    return _WORDS[language]["also"].format(listed)


def _title(place: "Place | Source") -> str:
    return " ".join(place.document.title.split())


def _place(
    document: Document, headings: Sequence[str], page: int | None, language: Language
) -> str:
    path = [document.title, *(heading for heading in headings if heading != document.title)]
    paged = "" if page is None else " · " + _WORDS[language]["page"].format(page)
    return " ".join(" › ".join(path).split()) + paged


def _failure(language: Language, reason: str) -> str:
    words = _WORDS[language]
    return f"#### ⚠ {words['failed']}\n\n{to_markdown(reason)}"


# ---- citation links: the conversation remembers what was quoted ----------------------------------

_MOST_TURNS = 10
_MOST_CLOSEST = 3
_MOST_LINKS = 5
_MOST_ELSEWHERE = 3
_MOST_MARKS = 40
# What stands before the address is ours: in a document's words the brackets are escaped.
_LINK = re.compile(
    r"(?: \[\[[0-9]\]|[0-9])\]\(#(cite|near|also)-([0-9]{1,6})-([0-9a-f]{1,64})"
    r"-([0-9]{1,9})-([0-9]{1,9})((?:\.[0-9]{1,5}){0,80})\)"
)


@dataclass(frozen=True)
class Link:
    """A link from a message to a place in a document; one read from a message is unchecked.

    Attributes:
        kind: ``cite`` behind a quote, ``near`` for a closest passage that does not answer, ``also``
            for another place that has a quote's words.
        marks: where in the quote the words that decided begin and end, by turns.
        before: the message's text up to the link.
        also_in: the links to the other places.
    """

    kind: str
    turn: int
    document_id: str
    start: int
    end: int
    marks: tuple[int, ...] = ()
    before: str = ""
    also_in: "tuple[Link, ...]" = ()

    @property
    def address(self) -> str:
        """The link's target; unique in the page."""
        marks = "".join(f".{at}" for at in self.marks)
        return f"{self.kind}-{self.turn}-{self.document_id}-{self.start}-{self.end}{marks}"

    def to_markdown(self, number: int) -> str:
        """Return the link as it stands in a message."""
        return f"[[{number}]](#{self.address})"


@dataclass(frozen=True)
class Turn:
    """A question and the citation links of its answer."""

    question: str
    links: tuple[Link, ...]


def turns_in(history: Messages) -> dict[int, Turn]:
    """Return the turns of a conversation that have citation links, by number."""
    turns: dict[int, Turn] = {}
    question = ""
    for message in history:
        text = _text_of(message)
        if message.get("role") == "user":
            question = from_markdown(text)
            continue
        links = _links_in(text)
        if links:
            number = links[0].turn
            same = dict.fromkeys(link for link in links if link.turn == number)
            turns[number] = Turn(question, tuple(same)[:_MOST_LINKS])
    return turns


def _links_in(text: str) -> list[Link]:
    """Return the links of a message, each with the links to its other places."""
    links: list[Link] = []
    for link in map(_to_link, _LINK.finditer(text)):
        if link.kind != "also":
            links.append(link)
        elif links and link.turn == links[-1].turn:
            also_in = (*links[-1].also_in, link)[:_MOST_ELSEWHERE]
            links[-1] = replace(links[-1], also_in=also_in)
    return links


def _to_link(match: re.Match[str]) -> Link:
    kind, turn, document_id, start, end, marks = match.groups()
    before = match.string[: match.start()]
    offsets = tuple(int(at) for at in marks.split(".")[1:])
    return Link(kind, int(turn), document_id, int(start), int(end), offsets, before)


def _texts_only(history: Messages) -> Messages:
    """Drop files and components: this page sends none, so none may come back."""
    return [
        _message("user" if message.get("role") == "user" else "assistant", _text_of(message))
        for message in history
    ]


def _text_of(message: dict[str, Any]) -> str:
    content = message.get("content")
    if isinstance(content, list):
        return "".join(str(part.get("text") or "") for part in content if isinstance(part, dict))
    return content if isinstance(content, str) else ""


# ---- the sources panel, in HTML ------------------------------------------------------------------

_CONTEXT = 120  # characters shown before and behind a quote


@dataclass(frozen=True)
class Source:
    """A citation link that holds: its document and the passage it stands in."""

    link: Link
    document: Document
    passage: Passage

    @property
    def quote(self) -> str:
        """The words at the link's place."""
        return self.document.text[self.link.start : self.link.end]


def panel(history: Messages, index: Index) -> str:
    """Return the sources of the newest turns as HTML, newest first."""
    turns = sorted(turns_in(history).items(), reverse=True)[:_MOST_TURNS]
    return "".join(_turn_html(turn, index, is_open=n == 0) for n, (_, turn) in enumerate(turns))


def find_source(index: Index, link: Link, same_as: str = "") -> Source | None:
    """Return what a link points to; None unless exactly that can be shown.

    The browser sends the conversation back, and the index may have been rebuilt since. So a place
    must lie inside a passage, and what stands there now must be the quote that the message shows,
    or, for a further place, have the words of ``same_as``.
    """
    try:
        document, passages = index.document(link.document_id), index.passages_of(link.document_id)
    except KeyError:
        return None
    for passage in passages:
        if passage.start <= link.start < link.end <= passage.end:
            source = Source(link, document, passage)
            return source if _holds(source, same_as) else None
    return None


def _holds(source: Source, same_as: str) -> bool:
    link, passage = source.link, source.passage
    if link.kind == "near":
        return (link.start, link.end) == (passage.start, passage.end) and not link.marks
    if link.kind == "also":
        return duplicate_key(source.quote) == duplicate_key(same_as) and not link.marks
    offsets = [0, *link.marks, link.end - link.start]
    are_in_order = len(offsets) % 2 == 0 and offsets == sorted(offsets)
    return are_in_order and link.before.endswith(_in_blockquote(source.quote))


def _turn_html(turn: Turn, index: Index, *, is_open: bool) -> str:
    language = language_of(turn.question)
    found = [find_source(index, link) for link in turn.links]
    sources = [
        source_html(source, number, language, _elsewhere(index, source))
        for number, source in enumerate(found, start=1)
        if source is not None
    ]
    if not sources:
        body = f'<p class="gone">{html.escape(_WORDS[language]["gone"])}</p>'
    elif turn.links[0].kind == "near":
        closest = html.escape(_WORDS[language]["closest"])
        body = f'<details class="closest"><summary>{closest}</summary>{"".join(sources)}</details>'
    else:
        body = "".join(sources)
    return (
        f'<details class="turn" lang="{language}" data-turn="{turn.links[0].turn}"'
        f"{' open' if is_open else ''}><summary>{_escape(turn.question)}</summary>{body}</details>"
    )


def _elsewhere(index: Index, source: Source) -> list[Source]:
    """Return the other places of a quote that hold."""
    found = (find_source(index, also, source.quote) for also in source.link.also_in)
    return [other for other in found if other is not None]


def source_html(
    source: Source, number: int, language: Language, elsewhere: Sequence[Source] = ()
) -> str:
    """Return one source: its place, the quote marked in its context, and its other places."""
    link, document, passage = source.link, source.document, source.passage
    words = _WORDS[language]
    place = _place(document, passage.headings, passage.page, language)
    back = _escape(words["back"])
    return (
        f'<article class="{link.kind}"><header><b>{number}</b>'
        f"<cite{_lang(place)}>{_escape(place)}</cite>"
        f"<small>{_escape(words['place'].format(link.start, link.end))}</small>"
        f'<a href="#back-{link.address}" aria-label="{back}" title="{back}">↩</a>'
        f"</header>{_passage_html(source)}{_elsewhere_html(elsewhere, number, language)}</article>"
    )


def _elsewhere_html(elsewhere: Sequence[Source], number: int, language: Language) -> str:
    if not elsewhere:
        return ""
    titles = " / ".join(dict.fromkeys(map(_title, elsewhere)))
    summary = _escape(_WORDS[language]["also"].format(titles))
    articles = "".join(source_html(other, number, language) for other in elsewhere)
    return f'<details class="elsewhere"><summary>{summary}</summary>{articles}</details>'


def _passage_html(source: Source) -> str:
    link, text = source.link, source.document.text
    start, end = link.start, link.end
    script = _lang(source.quote) or _lang(text[: 10 * _CONTEXT])
    tag = f'id="{link.address}-m" tabindex="-1"{script}'
    if link.kind == "near":
        return f"<blockquote {tag}>{_escape(source.quote)}</blockquote>"
    first, last = max(0, start - _CONTEXT), min(len(text), end + _CONTEXT)
    cut = '<span aria-hidden="true">…</span>'
    return (
        f"<blockquote{script}>{cut if first else ''}{_escape(text[first:start])}"
        f"<mark {tag}>{_quote_html(source.quote, link.marks)}</mark>{_escape(text[end:last])}"
        f"{cut if last < len(text) else ''}</blockquote>"
    )


def _quote_html(quote: str, marks: Sequence[int]) -> str:
    """Return a quote with the words that decided set off."""
    # Cut first, escape each piece behind it: the offsets are those of the text.
    bounds = [0, *marks, len(quote)]
    pieces = [_escape(quote[a:b]) for a, b in pairwise(bounds)]
    # No screen reader speaks of <b>; a <mark> in a <mark> some do.
    return "".join(f"<b>{piece}</b>" if n % 2 else piece for n, piece in enumerate(pieces))


def _escape(text: str) -> str:
    # A carriage return in HTML source would be read as a line feed.
    return html.escape(text).replace("\r", "&#13;")


@lru_cache(maxsize=1024)
def _lang(text: str) -> str:
    """Return the ``lang`` attribute for a text, so that it gets its own script's glyphs."""
    script = script_of(text)
    return f' lang="{script}"' if script else ""


# ---- what the page does --------------------------------------------------------------------------


def converse(
    question: str, history: Messages, strictness: Strictness, *, index: str | None
) -> Iterator[tuple[Any, ...]]:
    """Answer one question; yield updates of the question box, the conversation and the sources."""
    import gradio as gr

    asked = question.encode("utf-8", "replace").decode().strip()
    if not asked:
        yield gr.skip(), gr.skip(), gr.skip()
        return
    language = language_of(asked)
    history = [*_texts_only(history), _message("user", to_markdown(asked))]
    searching = _message("assistant", f"*{_WORDS[language]['searching']}*")
    yield gr.Textbox(value="", **_buttons(is_running=True)), [*history, searching], gr.skip()
    parts, sources = _answered(asked, history, strictness, index)
    for count in range(1, len(parts) + 1):
        shown = [*history, _message("assistant", "\n\n".join(parts[:count]))]
        # Sent with the first quote, so that no link is shown before it works; and only once.
        yield gr.skip(), shown, gr.skip() if sources is None or count != 1 else sources
    yield gr.Textbox(**_buttons(is_running=False)), gr.skip(), gr.skip()


def _answered(
    question: str, history: Messages, strictness: Strictness, index: str | None
) -> tuple[list[str], str | None]:
    """Return the paragraphs of the reply, and the sources; None when it failed."""
    language = language_of(question)
    try:
        opened = shared_index(index)
        turn = max(turns_in(history), default=0) + 1
        answer = ask(question, index=opened, strictness=strictness)
        parts = [*_answer_parts(answer, turn), *_warning_parts(opened, language)]
        complete = [*history, _message("assistant", "\n\n".join(parts))]
        return parts, panel(complete, opened)
    except YinzhengError as error:
        return [_failure(language, str(error))], None
    except Exception as error:
        _logger.exception("A question failed", exc_info=error)
        return [_failure(language, _WORDS[language]["unexpected"])], None


def _warning_parts(index: Index, language: Language) -> list[str]:
    """Return the paragraph that says that an older index answers, when one does."""
    if not index.warning:
        return []
    built = f"{index.info.created.astimezone():%Y-%m-%d %H:%M}"
    return [f"⚠ {to_markdown(_WORDS[language]['fallback'].format(built))}"]


def _buttons(*, is_running: bool) -> dict[str, Any]:
    """Return the question box's settings: a button to ask, or one to stop."""
    from gradio.i18n import I18nData

    word = str(I18nData("stop" if is_running else "ask"))
    return {"submit_btn": not is_running and word, "stop_btn": is_running and word}


def stop(history: Messages) -> tuple[Any, Messages]:
    """Say that a question was stopped, if it had no answer yet."""
    import gradio as gr

    history = _texts_only(history)
    for words in _WORDS.values():
        if history and _text_of(history[-1]) == f"*{words['searching']}*":
            history = [*history[:-1], _message("assistant", f"*{words['stopped']}*")]
    return gr.Textbox(**_buttons(is_running=False)), history


# ---- the page ------------------------------------------------------------------------------------

# Gradio picks its texts by an exact match of navigator.language with zh-CN or zh-TW.
_LANGUAGE_SCRIPT = """<script>
{
  const asked = navigator.language || "en";
  const traditional = /^zh\\b.*\\b(hant|tw|hk|mo)\\b/i.test(asked);
  const language = /^zh\\b/i.test(asked) ? (traditional ? "zh-TW" : "zh-CN") : "en";
  Object.defineProperty(navigator, "language", { get: () => language });
}
</script>"""

# A browser may refuse to keep anything: then nothing is remembered.
_RECALL = """() => {
  let kept;
  try { kept = localStorage.getItem("yinzheng-strictness"); } catch {}
  return ["lenient", "balanced", "strict"].includes(kept) ? kept : "balanced";
}"""
_REMEMBER = """(chosen) => {
  try { localStorage.setItem("yinzheng-strictness", chosen); } catch {}
}"""

_SCRIPT = """<script>
{
  const show = (target) => {
    if (!target) return;
    for (let d = target.closest("details"); d; d = d.parentElement.closest("details")) {
      d.open = true;
    }
    const still = matchMedia("(prefers-reduced-motion: reduce)").matches;
    target.scrollIntoView({ block: "center", behavior: still ? "auto" : "smooth" });
    target.focus({ preventScroll: true });
  };
  const cited = '#chat a[href^="#cite-"], #chat a[href^="#near-"]';
  document.addEventListener("click", (event) => {
    const link = event.target.closest('a[href^="#"]');
    if (!link) return;
    event.preventDefault();  // the page has a base address: following the link would reload it
    const address = link.getAttribute("href").slice(1);
    if (address.startsWith("back-")) {
      show(document.querySelector(`#chat a[href="#${CSS.escape(address.slice(5))}"]`));
    } else {
      show(document.getElementById(address + "-m"));
    }
  });
  // Enter that ends the composing of a Chinese word is not for the page.
  for (const kind of ["keypress", "keydown"]) {
    document.addEventListener(kind, (event) => {
      if (event.isComposing && event.key === "Enter") event.stopImmediatePropagation();
    }, true);
  }
  // Gradio gives the group no name, each choice a group of its own, and no way to explain one.
  const explain = () => {
    const choices = document.querySelectorAll("#strictness input:not([aria-describedby])");
    for (const choice of choices) {
      const group = choice.closest("fieldset");
      group.setAttribute("role", "radiogroup");
      group.setAttribute("aria-label", group.querySelector("[data-testid=block-info]").innerText);
      choice.name = "strictness";
      choice.setAttribute("aria-describedby", `hint-${choice.value}`);
    }
    // The label of a message would be its Markdown, with the addresses of its links.
    for (const message of document.querySelectorAll("#chat [data-testid][aria-label]")) {
      message.removeAttribute("aria-label");
    }
  };
  // Messages are Markdown, which cannot name a language: the sources lend them theirs.
  const lend = () => {
    const rows = [...document.querySelectorAll("#chat .message-row")];
    for (const link of document.querySelectorAll(cited)) {
      const mark = document.getElementById(link.getAttribute("href").slice(1) + "-m");
      if (!mark) continue;
      const reply = link.closest(".message-row");
      const asked = rows[rows.indexOf(reply) - 1];
      const language = mark.closest(".turn").lang;
      for (const [element, its] of [
        [link.closest("blockquote"), mark.lang || language], [reply, language], [asked, language],
      ]) {
        if (element && element.lang !== its) element.lang = its;
      }
    }
  };
  // Nor can they mark words, except with tags that would be copied: the sources lend their marks.
  // Space is not counted, as the chat may set it otherwise.
  const solid = (text) => text.replace(/\\s/g, "");
  const characters = (element) => {
    const found = [];
    const walker = document.createTreeWalker(element, NodeFilter.SHOW_TEXT);
    while (walker.nextNode()) {
      const node = walker.currentNode;
      for (let at = 0; at < node.length; at += 1) {
        if (solid(node.data[at])) found.push([node, at]);
      }
    }
    return found;
  };
  const decisive = (quote, mark) => {
    if (!quote || !solid(quote.textContent).startsWith(solid(mark.textContent))) return [];
    const places = characters(quote);
    let end = 0;
    return [...mark.childNodes].flatMap((piece) => {
      const start = end;
      end += solid(piece.textContent).length;
      if (piece.nodeName !== "B" || start === end) return [];
      const range = new Range();
      range.setStart(...places[start]);
      range.setEnd(places[end - 1][0], places[end - 1][1] + 1);
      return [range];
    });
  };
  const lendMarks = () => {
    if (!CSS.highlights) return;
    const ranges = [...document.querySelectorAll(cited)].flatMap((link) => {
      const mark = document.getElementById(link.getAttribute("href").slice(1) + "-m");
      return mark ? decisive(link.closest("blockquote"), mark) : [];
    });
    CSS.highlights.set("decisive", new Highlight(...ranges));
  };
  new MutationObserver(() => {
    explain();
    lend();
    lendMarks();
  }).observe(document, { childList: true, subtree: true });
}
</script>"""

_CSS = """
:root { --seal: #a3352b; --mark: #ffe7a0; --on-mark: #231a00; --rule: #d8b4a0; --amber: #8a5a0b;
  --soft: #5f5953; --alarm: #b3261e; --decisive: #ffc878; }
.dark { --seal: #f0988a; --mark: #6a5306; --on-mark: #fff5d6; --rule: #8a5648; --amber: #d9a441;
  --soft: #b8b0a9; --alarm: #f5a39c; --decisive: #99600a; }
:lang(en) { font-family: system-ui, sans-serif; }
:lang(zh-Hans), :lang(zh-CN) { font-family: "PingFang SC", "Microsoft YaHei",
  "Noto Sans SC", "Noto Sans CJK SC", "Source Han Sans SC", system-ui, sans-serif; }
:lang(zh-Hant), :lang(zh-TW) { font-family: "PingFang TC", "Microsoft JhengHei",
  "Noto Sans TC", "Noto Sans CJK TC", "Source Han Sans TC", system-ui, sans-serif; }
.main.fillable { max-width: 1360px !important; margin: 0 auto !important;
  padding: 0 20px 12px !important; }
footer { display: none !important; }

#top { align-items: baseline; flex-wrap: nowrap; gap: 16px; padding: 14px 0 0; }
#top > * { flex: none; width: auto; min-width: 0 !important; padding: 0; }
#top .html-container { padding: 0; }
#top h1 { margin: 0; font-size: 1.6rem; line-height: 1.2; color: var(--seal); white-space: nowrap; }
#top h1 small { margin-left: .5em; font-size: .55em; font-weight: 500; letter-spacing: .04em;
  color: var(--soft); }
#top #promise { flex: 1 1 0; color: var(--soft); line-height: 1.5; }
#top #clear { align-self: center; padding: 4px 14px; }

#talk, #sources { gap: 10px; }
#question button { color: var(--background-fill-primary); background: var(--seal); }
#chat { flex: 1 1 0; min-height: 0; }
#question { flex: none; }
#chat .top-panel { display: none; }
#chat .message-wrap { font-size: 1rem; }
#chat .placeholder .prose { font-size: 1.25rem; }
#chat .message-buttons-right { display: none; }
#chat .message-row { margin: 14px 18px 8px; }
#chat .message-buttons-left { margin: 0 18px 4px 0; }
#chat .bot-row { max-width: none; }
#chat .bot-row .flex-wrap, #chat .bot.message { width: 100%; }
#chat .bot.message { border-color: transparent; background: none; box-shadow: none; padding: 0; }
#chat .prose { display: block; opacity: 1; line-height: 1.75; color: var(--body-text-color);
  overflow-wrap: anywhere; }
#chat .prose p { margin: 0; }
#chat .bot .prose > p:first-child:not(:only-child) { color: var(--soft); }
#chat blockquote { margin: 10px 0 4px !important; padding: 0 0 0 14px; font-style: normal;
  border-left: 3px solid var(--seal); }
#chat blockquote p { white-space: pre-wrap; }
#chat blockquote + p { padding-left: 17px; font-size: .82rem; line-height: 1.6;
  color: var(--soft); }
#chat .prose > p:last-child:not(:first-child) { margin-top: 12px; }
#chat em { font-style: normal; color: var(--soft); font-size: .9em; }
#chat p:has(> a[href^="#also-"]) { padding-left: 17px; font-size: .82rem; line-height: 1.6;
  color: var(--soft); }
#chat p:has(> a[href^="#also-"]) a { font-weight: 400; }
#chat ::highlight(decisive) { color: var(--on-mark); background: var(--decisive); }
#chat a[href^="#"] { padding: 1px 2px; font-weight: 600; color: var(--seal);
  text-decoration: none; border-radius: 3px; }
#chat a[href^="#"]:hover { text-decoration: underline; }
#chat .bot .prose:has(> h3), #chat .bot .prose:has(> h4) { padding: 12px 16px;
  border: 1px dashed var(--amber); border-radius: 8px;
  background: var(--background-fill-secondary); }
#chat .bot .prose:has(> h4:first-child) { border: 1px solid var(--alarm); }
#chat .prose h3, #chat .prose h4 { margin: 0 0 4px; font-size: 1rem; line-height: 1.75; }
#chat .prose h3 { color: var(--amber); }
#chat .prose h3 ~ h4 { margin-top: 8px; font-size: .82rem; font-weight: 500; color: var(--soft); }
#chat .prose h4 + ul { margin: 0; padding-left: 1.2em; font-size: .82rem; color: var(--soft); }
#chat .prose h4:first-child { color: var(--alarm); }

#strictness { flex: none; align-items: center; flex-wrap: wrap; gap: 4px 12px; }
#strictness > * { flex: none; width: auto; min-width: 0 !important; padding: 0; }
#strictness .html-container { padding: 0; }
#strictness fieldset { display: flex; flex-wrap: wrap; align-items: center; gap: 4px 10px; }
#strictness [data-testid="block-info"] { position: static; width: auto; height: auto; margin: 0;
  clip: auto; clip-path: none; font-size: .82rem; color: var(--soft); }
#strictness .wrap { gap: 4px; }
#strictness label { gap: 6px; padding: 4px 10px 4px 8px; font-size: .82rem; line-height: 1.4;
  box-shadow: none; }
#strictness label > span { margin: 0; }
#strictness label:has(:checked) { border-color: var(--seal); }
#strictness input { width: 12px; height: 12px; min-width: 0; color: var(--seal); }
#strictness input:checked { border-color: var(--seal) !important;
  background-color: var(--seal) !important; }
#strictness label:has(:focus-visible) { outline: 2px solid var(--seal); outline-offset: 2px; }
#strictness [id^="hint-"] { display: none; font-size: .82rem; color: var(--soft); }
#strictness:has([value="lenient"]:checked) #hint-lenient,
#strictness:has([value="balanced"]:checked) #hint-balanced,
#strictness:has([value="strict"]:checked) #hint-strict { display: inline; }

#sources { padding: 14px 16px; border: 1px solid var(--border-color-primary); border-radius: 8px;
  background: var(--background-fill-secondary); }
#sources .block, #sources .html-container { padding: 0; }
#sources h2 { margin: 0; font-size: 1rem; font-weight: 600; }
#sources summary, #panel cite { color: var(--body-text-color); }
#panel .prose { line-height: 1.75; color: var(--body-text-color); overflow-wrap: anywhere; }
#panel .prose:not(:has(.turn)) { color: var(--soft); }
#panel summary { cursor: pointer; padding: 6px 0; }
#panel .turn > summary { font-weight: 600; }
#panel .turn + .turn { border-top: 1px solid var(--border-color-primary); }
#panel .closest > summary { color: var(--amber); }
#panel article { padding: 4px 0 14px; }
#panel header { display: grid; grid-template-columns: auto 1fr auto; gap: 0 8px; font-size: .82rem;
  line-height: 1.6; color: var(--soft); }
#panel header b { min-width: 1.6em; height: 1.6em; border-radius: 4px; text-align: center;
  color: var(--background-fill-primary); background: var(--seal); }
#panel .near header b, #panel .also header b { background: var(--soft); }
#panel .near blockquote { padding: 0; border: 0; }
#panel header cite { font-style: normal; }
#panel header small { grid-column: 2; font-size: inherit; }
#panel header a { grid-row: 1; grid-column: 3; padding: 0 6px; color: var(--seal);
  text-decoration: none; }
#panel blockquote { margin: 6px 0 0 !important; padding: 0 0 0 12px; font-style: normal;
  border-left: 3px solid var(--rule); white-space: pre-wrap; color: var(--soft); }
#panel mark { padding: 1px 0; color: var(--on-mark); background: var(--mark); border-radius: 2px; }
#panel mark b { font-weight: 600; color: inherit; background: var(--decisive); }
#panel .elsewhere > summary { font-size: .82rem; color: var(--soft); }
#panel .elsewhere article { padding: 4px 0 4px 12px; }
#panel :focus-visible, #panel mark:focus, #panel blockquote:focus, #chat a:focus-visible {
  outline: 2px solid var(--seal); outline-offset: 2px; }
#panel .gone { color: var(--soft); }

@media (min-width: 900px) {
  #room { height: calc(100dvh - 84px); min-height: 420px; flex-wrap: nowrap; }
  #talk, #sources { height: 100%; }
  #talk { flex-wrap: nowrap; }
  #chat { height: auto !important; }
  #sources { overflow-y: auto !important; flex-wrap: nowrap; }
}
@media (max-width: 899px) {
  .main.fillable { padding: 0 12px 12px !important; }
  #top { flex-wrap: wrap; gap: 4px 12px; }
  #top h1 { flex: 1; }
  #top #promise { order: 3; flex: 1 1 100%; }
  #top #clear { margin-left: auto; }
  #room { flex-direction: column; flex-wrap: nowrap; }
  #talk, #sources { width: 100%; }
  #chat { flex: none; height: 62dvh !important; }
}
"""


def build_page(index: str | None) -> "gr.Blocks":
    """Return the page that asks the given index."""
    import gradio as gr

    words = gr.I18n(**_PAGE_WORDS)
    page = gr.Blocks(title="Yinzheng 引證", analytics_enabled=False, fill_width=True)
    with page:
        with gr.Row(elem_id="top"):
            gr.HTML("<h1>引證<small>Yinzheng</small></h1>")
            gr.HTML(words("promise"), elem_id="promise")
            clear = gr.Button(words("clear"), size="sm", scale=0, elem_id="clear")
        with gr.Row(elem_id="room"):
            with gr.Column(scale=3, elem_id="talk"):
                chat = gr.Chatbot(
                    elem_id="chat",
                    label=words("conversation"),
                    show_label=False,
                    buttons=["copy"],
                    latex_delimiters=[],
                    placeholder=str(words("hello")),
                    examples=_examples(index),
                )
                box = gr.Textbox(
                    elem_id="question",
                    label=words("question"),
                    show_label=False,
                    placeholder=words("placeholder"),
                    lines=1,
                    max_lines=6,
                    **_buttons(is_running=False),
                    autofocus=True,
                )
                with gr.Row(elem_id="strictness"):
                    strictness = gr.Radio(
                        [(str(words(name)), name) for name in get_args(Strictness)],
                        value="balanced",
                        label=words("strictness"),
                        container=False,
                    )
                    gr.HTML(words("hints"))
            with gr.Column(scale=2, elem_id="sources"):
                gr.HTML(words("sources"))
                sources = gr.HTML(words("no_sources"), elem_id="panel")
        _connect(
            box=box,
            chat=chat,
            sources=sources,
            strictness=strictness,
            clear=clear,
            asks=partial(converse, index=index),
            no_sources=words("no_sources"),
        )
        _remember(page, strictness)
    page.queue(default_concurrency_limit=4, max_size=32)
    return page


def _connect(
    *,
    box: "gr.Textbox",
    chat: "gr.Chatbot",
    sources: "gr.HTML",
    strictness: "gr.Radio",
    clear: "gr.Button",
    asks: "partial[Iterator[tuple[Any, ...]]]",
    no_sources: "I18nData",
) -> None:
    """Connect the parts of the page with what it does."""
    import gradio as gr

    def ask_example(
        history: Messages, strictness: Strictness, chosen: gr.SelectData
    ) -> Iterator[tuple[Any, ...]]:
        yield from asks(str(chosen.value["text"]), history, strictness)

    outputs = [box, chat, sources]
    quiet: dict[str, Any] = {"show_progress": "hidden", "api_visibility": "private"}
    typed = box.submit(asks, [box, chat, strictness], outputs, **quiet)
    picked = chat.example_select(ask_example, [chat, strictness], outputs, **quiet)
    box.stop(stop, [chat], [box, chat], cancels=[typed, picked], **quiet)
    clear.click(
        lambda: (gr.Textbox(value="", **_buttons(is_running=False)), [], no_sources),
        None,
        outputs,
        cancels=[typed, picked],
        **quiet,
    )


def _remember(page: "gr.Blocks", strictness: "gr.Radio") -> None:
    """Keep the strictness in the browser; nothing of it is sent to the server."""
    page.load(None, None, strictness, js=_RECALL)
    strictness.input(None, strictness, None, js=_REMEMBER)


def _examples(index: str | None) -> "list[ExampleMessage] | None":
    """Offer questions about the bundled report where it is all that is asked."""
    opened = shared_index(index)
    documents = opened.document_list()
    report = hashlib.sha256(REPORT.read_bytes()).hexdigest()
    if [opened.document(found[0]).content_hash for found in documents[:2]] != [report]:
        return None
    return [{"text": question} for question in _REPORT_QUESTIONS]


# ---- the server ----------------------------------------------------------------------------------

_SECURITY_HEADERS = (
    (
        b"content-security-policy",
        b"default-src 'self'; img-src 'self' data: blob:; style-src 'self' 'unsafe-inline'; "
        b"script-src 'self' 'unsafe-inline' 'unsafe-eval'; connect-src 'self'; "
        b"font-src 'self' data:; form-action 'self'; base-uri 'self'; object-src 'none'; "
        b"frame-src 'none'; frame-ancestors 'self'",
    ),
    (b"x-content-type-options", b"nosniff"),
    (b"referrer-policy", b"no-referrer"),
)


class PageMiddleware:
    """Adds the security headers to every response, and the language script to the page.

    The ``head`` that Gradio can be given is added by its own scripts: too late for the language.
    """

    def __init__(self, app: "ASGIApp") -> None:
        self._app = app

    async def __call__(self, scope: "Scope", receive: "Receive", send: "Send") -> None:
        """Handle one connection."""
        held: list[Message] = []

        async def sending(message: "Message") -> None:
            if message["type"] == "http.response.start":
                message["headers"] = [*message.get("headers", ()), *_SECURITY_HEADERS]
                if _is_html(message):
                    held.append(message)
                    return
            elif held:
                start = held.pop()
                _insert_script(start, message)
                await send(start)
            await send(message)

        await self._app(scope, receive, sending)


def _is_html(start: "Message") -> bool:
    return any(
        name.lower() == b"content-type" and value.startswith(b"text/html")
        for name, value in start["headers"]
    )


def _insert_script(start: "Message", body: "Message") -> None:
    """Put the language script first in the page's head."""
    content = body.get("body", b"")
    changed = content.replace(b"<head>", b"<head>" + _LANGUAGE_SCRIPT.encode(), 1)
    more = len(changed) - len(content)
    body["body"] = changed
    start["headers"] = [
        (name, str(int(value) + more).encode() if name.lower() == b"content-length" else value)
        for name, value in start["headers"]
    ]


def build_server(index: str | None) -> "FastAPI":
    """Return the ASGI application: the page, and ``/healthz``."""
    # Before Gradio is imported: it would look for newer versions and report its use.
    os.environ["GRADIO_ANALYTICS_ENABLED"] = "False"
    import gradio as gr
    from fastapi import FastAPI

    server = FastAPI(docs_url=None, redoc_url=None, openapi_url=None)
    server.add_middleware(PageMiddleware)

    @server.get("/healthz")
    def healthz() -> dict[str, str]:
        return {"status": "ok"}

    mounted: FastAPI = gr.mount_gradio_app(
        server,
        build_page(index),
        path="/",
        theme=gr.themes.Default(
            primary_hue="orange",
            neutral_hue="stone",
            font=["system-ui", "sans-serif"],
            font_mono=["ui-monospace", "monospace"],
        ),
        css=_CSS,
        head=_SCRIPT,
        i18n=gr.I18n(**_PAGE_WORDS),
        footer_links=[],
        show_error=False,
        run_history=False,
        enable_monitoring=False,
        max_file_size=1,  # the page takes no files
    )
    return mounted


def main(arguments: Sequence[str] | None = None) -> int:
    """Serve the page until it is stopped; return the exit status."""
    options = _parser().parse_args(arguments)
    try:
        with telling_fallbacks(lambda warning: print(f"yinzheng: {warning}", file=sys.stderr)):
            _serve(options.index, options.host, options.port)
    except (YinzhengError, OSError) as error:
        print(f"yinzheng: {error}", file=sys.stderr)
        return 1
    except KeyboardInterrupt:  # after the last answer was sent
        return 0
    return 0


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="yinzheng", description="Ask your documents in a page.")
    parser.add_argument(
        "--index",
        metavar="DIR",
        help="index folder (default: YINZHENG_INDEX, else a folder in your user data; "
        "made from the bundled report on first use)",
    )
    parser.add_argument(
        "--host",
        default="127.0.0.1",
        help="address to listen on (default 127.0.0.1: this machine only; there is no password)",
    )
    parser.add_argument("--port", type=_port, default=7860, help="port (default 7860)")
    return parser


def _port(text: str) -> int:
    if not (text.isascii() and text.isdigit() and int(text) <= 65535):
        raise argparse.ArgumentTypeError(f"{text!r} is not a port: give a number up to 65535")
    return int(text)


def _serve(index: str | None, host: str, port: int) -> None:
    import uvicorn

    with _listen(host, port) as listening:
        signal.signal(signal.SIGTERM, signal.default_int_handler)
        print("Opening the index; the very first start builds it ...", file=sys.stderr, flush=True)
        ask("引證", index=index)  # so that the first question need not wait for the model
        config = uvicorn.Config(
            build_server(index), log_level="warning", timeout_graceful_shutdown=10
        )
        shown = f"[{host}]" if ":" in host else host
        print(f"Yinzheng: http://{shown}:{listening.getsockname()[1]}", flush=True)
        uvicorn.Server(config).run(sockets=[listening])


def _listen(host: str, port: int) -> socket.socket:
    """Take the port before the slow part begins."""
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    try:
        return socket.create_server((host, port), family=family)
    except OSError as error:
        if error.errno == errno.EADDRINUSE:
            reason = f"Port {port} on {host} is in use. Choose another one with --port."
        else:
            reason = f"Cannot listen on {host}, port {port}: {error}. Check --host and --port."
        raise OSError(reason) from error


if __name__ == "__main__":
    sys.exit(main())
