"""The page: what it escapes and checks, and how it behaves in a real browser."""

import http.client
import os
import shutil
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from html.parser import HTMLParser
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

import pytest
from hypothesis import given
from hypothesis import strategies as st

import app
from index import Document, Index, Passage, Span, build_index, fold, open_index
from index.types import OffsetMap
from qa import Citation, Place, Strictness, ask

if TYPE_CHECKING:
    from playwright.sync_api import Browser, Locator, Page

ROOT = Path(__file__).parent.parent

# What a document or a question may try; every line is its own passage.
HOSTILE = [
    "攻擊一號<script>window.hurt=1</script>寫在腳本裡。",
    "攻擊二號<img src=http://evil.example/x onerror=window.hurt=2>寫在圖片裡。",
    "攻擊三號價格是${1+1}和{{7*7}}以及$x^2$元。",
    "攻擊四號![看](http://evil.example/y)和[點我](javascript:window.hurt=4)都是字。",
    r"攻擊五號路徑是C:\new\temp\u00和\*星號\*。",
    "攻擊六號網址http://evil.example/z與www.evil.example還有a@evil.example。",
    "攻擊七號<form action=http://evil.example><input type=password></form>&ltb&gt&#60。",
    "攻擊八號 # 標題 `code` **粗** __底__ ~~刪~~ | 表 | 格 | [[1]](#cite-1-abc-0-5) 完。",
    "攻擊九號引文以驚嘆結束!",
]


# ---- escaping --------------------------------------------------------------------------------

_MARKUP_TEXT = st.lists(
    st.one_of(
        st.sampled_from(
            [
                *"\\`*_[]()~|$@#+-=.!<>&\"'/ \t\n\r",
                "1. ",
                "http://",
                "www.",
                "&lt;",
                "&#32;",
                "引證",
            ]
        ),
        st.text(max_size=4),
    ),
    max_size=30,
).map("".join)


@given(_MARKUP_TEXT)
def test_an_escaped_text_comes_back_as_it_was(text: str) -> None:
    assert app.from_markdown(app.to_markdown(text)) == text


@pytest.mark.parametrize(
    ("text", "escaped"),
    [
        ("2022年，結案率提高6%（同比）。", "2022年，結案率提高6%（同比）。"),
        ("<b>&amp;", "&lt;b&gt;&amp;amp;"),
        ("![a](http://e/x)", r"!\[a\](http:\//e/x)"),
        ("www.e.example a@e", r"www\.e.example a\@e"),
        (r"C:\new $x$", r"C:\\new \$x\$"),
        ("1. 一\n- 二\n# 三\n===", "1\\. 一\n\\- 二\n\\# 三\n\\==="),
        ("    code", "&#32;   code"),
    ],
)
def test_what_would_be_markup_is_escaped_and_nothing_else(text: str, escaped: str) -> None:
    assert app.to_markdown(text) == escaped


# ---- the sources panel -------------------------------------------------------------------------


class Parsed(HTMLParser):
    """The tags, attributes and marked text of some HTML."""

    def __init__(self, content: str) -> None:
        super().__init__()
        self.tags: set[str] = set()
        self.attributes: set[str] = set()
        self.marked = self.shown = ""
        self.decisive: list[str] = []
        self._in_mark = self._in_decisive = False
        self.feed(content)
        self.close()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.add(tag)
        self.attributes.update(name for name, _ in attrs)
        self._in_mark = self._in_mark or tag == "mark"
        if tag == "b" and self._in_mark:
            self._in_decisive = True
            self.decisive.append("")

    def handle_endtag(self, tag: str) -> None:
        self._in_mark = self._in_mark and tag != "mark"
        self._in_decisive = self._in_decisive and tag != "b"

    def handle_data(self, data: str) -> None:
        self.shown += data
        self.marked += data if self._in_mark else ""
        if self._in_decisive:
            self.decisive[-1] += data


def a_document(text: str, title: str = "", document_id: str = "ab12") -> Document:
    title = title or text[:20]
    return Document(document_id, "/x.txt", title, text, "", "utf-8", OffsetMap(((0, 0),)))


def a_source(text: str, start: int, end: int, *marks: int) -> app.Source:
    passage = Passage(0, "ab12", 0, len(text), text, (text[:9],), ())
    return app.Source(app.Link("cite", 1, "ab12", start, end, marks), a_document(text), passage)


@given(st.data())
def test_the_panel_marks_exactly_the_quote_and_has_only_our_tags(data: st.DataObject) -> None:
    text = data.draw(_MARKUP_TEXT.filter(bool))
    start = data.draw(st.integers(0, len(text) - 1))
    end = data.draw(st.integers(start + 1, len(text)))
    marks = sorted(data.draw(st.sets(st.integers(0, end - start), max_size=6)))
    marks = marks[: len(marks) // 2 * 2]
    parsed = Parsed(app.source_html(a_source(text, start, end, *marks), 1, "en"))
    assert parsed.marked == text[start:end]
    assert parsed.decisive == [
        text[start + a : start + b] for a, b in zip(marks[::2], marks[1::2], strict=True)
    ]
    assert parsed.tags <= {
        *("article", "header", "b", "cite", "small", "a"),
        "blockquote",
        "mark",
        "span",
    }
    assert parsed.attributes <= {
        *("class", "href", "id", "lang", "tabindex", "title", "aria-label", "aria-hidden")
    }


def test_the_quote_stands_in_120_characters_of_context() -> None:
    text = "一" * 200 + "引文" + "二" * 50
    shown = Parsed(app.source_html(a_source(text, 200, 202), 1, "zh-Hans")).shown
    assert f"…{'一' * 120}引文{'二' * 50}" in shown
    assert not shown.endswith("…")
    assert "字符 200–202" in shown


# ---- links that come back from the browser -------------------------------------------------------


@pytest.fixture(scope="session")
def hostile_dir(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("hostile")
    source = folder / "<b>file.txt"
    source.write_text("\n".join(HOSTILE), encoding="utf-8")
    build_index(source, index_dir=folder / "index")
    return folder / "index"


@pytest.fixture(scope="session")
def hostile_index(hostile_dir: Path) -> Iterator[Index]:
    with open_index(hostile_dir) as index:
        yield index


def conversation(quote: str, link: str) -> app.Messages:
    return [
        {"role": "user", "content": [{"type": "text", "text": r"問\*題"}]},
        {"role": "assistant", "content": [{"type": "text", "text": f"> {quote} [[1]](#{link})"}]},
    ]


def a_place(index: Index) -> tuple[str, Passage, str]:
    document_id = index.document_list()[0][0]
    passage = index.passages_of(document_id)[3]
    return document_id, passage, app.to_markdown(passage.text)


def test_a_conversation_brings_its_sources_back(hostile_index: Index) -> None:
    document_id, passage, quote = a_place(hostile_index)
    link = f"cite-7-{document_id}-{passage.start}-{passage.end}"
    content = app.panel(conversation(quote, link), hostile_index)
    assert Parsed(content).marked == passage.text
    assert f'id="{link}-m"' in content
    assert "問*題" in Parsed(content).shown


@pytest.mark.parametrize(
    "link",
    [
        "cite-1-{id}-{start}-99999",
        "cite-1-{id}-999999998-999999999",
        "cite-1-{id}-{end}-{start}",
        "cite-1-{id}-{start}-{start}",
        "cite-1-{id}-0-{end}",  # over the edge of a passage
        "cite-1-{id}-{start}-{next}",  # not what the message quotes
        "near-1-{id}-{start}-{next}",  # not a whole passage
        "cite-1-0000000000ff-{start}-{end}",
        "cite-1-{id}-{start}-{end}.3",  # a mark without an end
        "cite-1-{id}-{start}-{end}.5.3",
        "cite-1-{id}-{start}-{end}.0.4.3.6",
        "cite-1-{id}-{start}-{end}.0.99999",
    ],
)
def test_a_doctored_link_shows_nothing(hostile_index: Index, link: str) -> None:
    document_id, passage, quote = a_place(hostile_index)
    doctored = link.format(
        id=document_id, start=passage.start, end=passage.end, next=passage.start + 1
    )
    content = app.panel(conversation(quote, doctored), hostile_index)
    assert Parsed(content).tags == {"details", "summary", "p"}
    assert passage.text not in Parsed(content).shown


@pytest.mark.parametrize(
    "link",
    [
        "cite-1-{id}-{start}--1",
        "cite-1-{id}-{start}-1e3",
        "cite-1-{id}-{start}-" + "9" * 5000,
        "cite-٣-{id}-{start}-{end}",
        'cite-1-"><script>-{start}-{end}',
        "evil-1-{id}-{start}-{end}",
        "cite-1-../../etc/passwd-{start}-{end}",
    ],
)
def test_what_is_no_link_is_none(hostile_index: Index, link: str) -> None:
    document_id, passage, quote = a_place(hostile_index)
    doctored = link.format(id=document_id, start=passage.start, end=passage.end)
    assert app.turns_in(conversation(quote, doctored)) == {}


TITLES = [*HOSTILE, "a](#also-1-ab-0-5)", "12](#also-1-ab-0-5)", "\\", "](x)\n# 標題"]


def a_citation(quote: str, marks: tuple[Span, ...], also_in: tuple[Place, ...]) -> Citation:
    passage = Passage(0, "ab12", 0, len(quote), quote, (), ())
    return Citation(quote, a_document(quote), 0, len(quote), None, (), 1.0, passage, marks, also_in)


@given(_MARKUP_TEXT.filter(bool), st.lists(st.sampled_from(TITLES), max_size=5))
def test_marks_and_other_places_come_back_from_a_message(quote: str, titles: list[str]) -> None:
    places = tuple(
        Place(a_document("x", title, f"{n}f"), n, n + 7) for n, title in enumerate(titles)
    )
    marks = (Span(0, 1),) if len(quote) < 3 else (Span(0, 1), Span(2, len(quote)))
    message = app._quote_part(1, 4, a_citation(quote, marks, places), "en")
    [link] = app.turns_in([{"role": "assistant", "content": message}])[4].links
    assert [Span(*bounds) for bounds in zip(link.marks[::2], link.marks[1::2], strict=True)] == [
        *marks
    ]
    found = [(also.document_id, also.start, also.end) for also in link.also_in]
    assert found == [(f"{n}f", n, n + 7) for n in range(len(titles))][:3]
    assert message.endswith("/ +2") == (len(titles) == 5)


def test_another_place_is_shown_only_if_it_has_the_words(hostile_index: Index) -> None:
    document_id, passage, quote = a_place(hostile_index)
    other = hostile_index.passages_of(document_id)[4]
    cite = f"cite-7-{document_id}-{passage.start}-{passage.end}"
    shown = {}
    for name, place in (("same", passage), ("other", other)):
        also = f"also-7-{document_id}-{place.start}-{place.end}"
        history = conversation(quote, f"{cite}) [x 1](#{also}")
        content = app.panel(history, hostile_index)
        assert f'id="{cite}-m"' in content
        shown[name] = f'id="{also}-m"' in content
    assert shown == {"same": True, "other": False}


@pytest.mark.parametrize(
    "history",
    [
        [{}],
        [{"role": "assistant", "content": None}],
        [{"role": "assistant", "content": [None, 3, {"type": "file", "file": "/etc/passwd"}]}],
        [{"role": 5, "content": {"a": "b"}}],
    ],
)
def test_a_conversation_of_another_shape_has_no_sources(
    hostile_index: Index, history: app.Messages
) -> None:
    assert app.panel(history, hostile_index) == ""


def test_the_newest_ten_turns_keep_their_sources_newest_first(hostile_index: Index) -> None:
    document_id, passage, quote = a_place(hostile_index)
    history = [
        message
        for turn in range(1, 14)
        for message in conversation(
            quote, f"cite-{turn}-{document_id}-{passage.start}-{passage.end}"
        )
    ]
    content = app.panel(history, hostile_index)
    shown = [turn for turn in range(1, 14) if f'data-turn="{turn}"' in content]
    assert shown == list(range(4, 14))
    assert content.index('data-turn="13" open') < content.index('data-turn="12"')


def test_an_unexpected_error_is_no_answer_and_tells_nothing(
    monkeypatch: pytest.MonkeyPatch, hostile_dir: Path, caplog: pytest.LogCaptureFixture
) -> None:
    def fails(*_: object, **__: object) -> None:
        raise RuntimeError("/home/somebody/secret")

    monkeypatch.setattr(app, "ask", fails)
    parts, sources = app._answered("人口是多少", [], "balanced", str(hostile_dir))
    assert sources is None
    assert "出错了" in parts[0]
    assert "没有找到答案" not in parts[0]
    assert "secret" not in parts[0]
    assert "secret" in caplog.text


# ---- the command ---------------------------------------------------------------------------------


def test_a_port_in_use_is_said(capsys: pytest.CaptureFixture[str]) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        assert app.main(["--port", str(port)]) == 1
    assert f"Port {port} on 127.0.0.1 is in use" in capsys.readouterr().err


def test_a_folder_without_an_index_is_said(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert app.main(["--index", str(tmp_path / "none"), "--port", "0"]) == 1
    assert str(tmp_path / "none") in capsys.readouterr().err


@pytest.mark.parametrize("port", ["65536", "-1", "http", "٣"])
def test_a_wrong_port_is_bad_use(port: str) -> None:
    with pytest.raises(SystemExit) as stopped:
        app.main(["--port", port])
    assert stopped.value.code == 2


# ---- the running server --------------------------------------------------------------------------


class Server:
    """``python app.py`` on a port that stays its own through restarts."""

    def __init__(self, *arguments: str, index: Path) -> None:
        self._arguments = arguments
        self._environment = {**os.environ, "YINZHENG_INDEX": str(index), "HF_HUB_OFFLINE": "1"}
        with socket.create_server(("127.0.0.1", 0)) as free:
            self.port: int = free.getsockname()[1]
        self.start()

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}/"

    def start(self) -> None:
        command = [sys.executable, "app.py", "--port", str(self.port), *self._arguments]
        self._process = subprocess.Popen(command, cwd=ROOT, env=self._environment)
        deadline = time.monotonic() + 90
        while self.get("healthz")[0] != 200:
            assert self._process.poll() is None, "the server ended"
            assert time.monotonic() < deadline, "the server did not start in 90 seconds"
            time.sleep(0.2)

    def stop(self) -> int:
        """Ask the server to end, as a service manager does; return its exit status."""
        self._process.terminate()
        try:
            return self._process.wait(timeout=20)
        except subprocess.TimeoutExpired:
            self._process.kill()
            raise

    def get(self, path: str) -> tuple[int, dict[str, str], str]:
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=60)
        try:
            connection.request("GET", f"/{path}")
            response = connection.getresponse()
            headers = {name.lower(): value for name, value in response.getheaders()}
            return response.status, headers, response.read().decode()
        except OSError:
            return 0, {}, ""
        finally:
            connection.close()


@pytest.fixture(scope="session")
def server(report_dir: Path) -> Iterator[Server]:
    running = Server(index=report_dir)
    yield running
    running.stop()


@pytest.fixture(scope="session")
def hostile_server(hostile_dir: Path, report_dir: Path) -> Iterator[Server]:
    running = Server("--index", str(hostile_dir), index=report_dir)
    yield running
    running.stop()


# The same words in five documents, once in the other script; titles try to be markup.
COPIES = [
    "# [甲](http://evil.example/a)<b>\n\n员工每年享有十五天带薪年假，须提前两周申请。\n\n甲的其余事项另行规定。",
    "# 乙 | `乙` ![](http://evil.example/b)\n\n員工每年享有十五天帶薪年假，須提前兩週申請。\n\n乙未盡事宜從略。",
    *(
        f"# {name}\n\n员工每年享有十五天带薪年假，须提前两周申请。\n\n{name}归档备查。"
        for name in ("丙](#also-1-ab-0-5)", "丁<script>window.hurt=1</script>", "戊")
    ),
]


@pytest.fixture(scope="session")
def copies_server(tmp_path_factory: pytest.TempPathFactory, report_dir: Path) -> Iterator[Server]:
    folder = tmp_path_factory.mktemp("copies")
    for number, text in enumerate(COPIES):
        (folder / f"{number}.md").write_text(text, encoding="utf-8")
    build_index(folder, index_dir=folder / "index")
    running = Server("--index", str(folder / "index"), index=report_dir)
    yield running
    running.stop()


def test_the_server_forbids_other_hosts_and_inner_pages(server: Server) -> None:
    status, headers, page = server.get("")
    assert status == 200
    policy = headers["content-security-policy"].split("; ")
    assert "default-src 'self'" in policy
    assert "img-src 'self' data: blob:" in policy
    assert "form-action 'self'" in policy
    assert headers["x-content-type-options"] == "nosniff"
    assert headers["referrer-policy"] == "no-referrer"
    assert int(headers["content-length"]) == len(page.encode())
    assert server.get("monitoring/summary")[0] == 403


# ---- in the browser ------------------------------------------------------------------------------


@pytest.fixture(scope="session")
def chromium() -> Iterator["Browser"]:
    found = shutil.which("chromium") or shutil.which("chromium-browser")
    if found is None:
        if os.environ.get("CI") == "true":
            pytest.fail("Chromium is not installed, but these tests must run here")
        pytest.skip("Chromium is not installed")
    from playwright.sync_api import sync_playwright

    arguments = (
        "--headless=new --no-sandbox --disable-gpu --disable-quic --no-first-run "
        "--disable-background-networking --disable-component-update --disable-sync"
    )
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=found, args=arguments.split())
        yield browser
        browser.close()


@dataclass
class Visit:
    """An open page, and what it asked for and complained of."""

    page: "Page"
    requests: list[str] = field(default_factory=list)
    complaints: list[str] = field(default_factory=list)

    @property
    def answers(self) -> "Locator":
        return self.page.locator("#chat .bot-row")

    @property
    def questions(self) -> "Locator":
        return self.page.locator("#chat .user-row")

    @property
    def newest_turn(self) -> "Locator":
        return self.page.locator("#panel .turn").first

    def ask(self, question: str) -> "Locator":
        """Ask; return the answer's message when it is complete."""
        count = self.answers.count()
        self.page.fill("#question textarea", question)
        self.page.keyboard.press("Enter")
        return self.wait_for_answer(count)

    def wait_for_answer(self, count: int = 0) -> "Locator":
        self.page.wait_for_function(
            """count => {
              const rows = document.querySelectorAll("#chat .bot-row");
              const searching = /^(Searching|正在检索|正在檢索)…$/;
              return rows.length > count && !searching.test(rows[count].innerText.trim())
                && document.querySelector("#question .submit-button");
            }""",
            arg=count,
        )
        return self.answers.nth(count)

    def choose(self, strictness: Strictness) -> None:
        self.page.locator(f"#strictness input[value={strictness}]").check()

    def focused(self) -> str:
        focused: str = self.page.evaluate("document.activeElement.id")
        return focused


Visits = Callable[..., Visit]


@pytest.fixture
def visit(chromium: "Browser") -> Iterator[Visits]:
    """Open pages; afterwards, none asked another host for anything or complained."""
    visits: list[tuple[Visit, Server]] = []

    def open_page(server: Server, **settings: Any) -> Visit:
        settings = {"viewport": {"width": 1280, "height": 800}, "locale": "en-US", **settings}
        page = chromium.new_context(**settings).new_page()
        opened = Visit(page)
        visits.append((opened, server))
        page.on("request", lambda request: opened.requests.append(request.url))
        page.on("pageerror", lambda error: opened.complaints.append(str(error)))
        page.on(
            "console",
            lambda said: opened.complaints.append(said.text) if said.type == "error" else None,
        )
        page.goto(server.url)
        page.locator("#question textarea").wait_for()
        page.evaluate("window.opened = true")
        return opened

    yield open_page
    for opened, server in visits:
        outside = {
            url
            for url in opened.requests
            if urlsplit(url).scheme not in {"data", "blob"}
            and urlsplit(url).netloc != urlsplit(server.url).netloc
        }
        assert not outside
        assert not opened.complaints
        assert opened.page.evaluate("window.opened === true && window.hurt === undefined")
        opened.page.context.close()


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
    assert answer.locator("blockquote").locator("mark, b, strong, em").count() == 0
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
