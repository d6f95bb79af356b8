"""Documents, names, questions and addresses that attack: nothing executes, nothing leaves."""

import csv
import http.client
import io
import json
import re
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from attacks import ADDRESSES, NAMES, UPLOADED_NAMES, Listening, bodies, listening
from playwright.sync_api import expect
from serving import Server, Visit, Visits

from index import build_index, open_index
from qa.feedback import FEEDBACK_FILE, FeedbackStore
from qa.feedback_command import main as feedback_command
from qa.server.file_names import safe_name

if TYPE_CHECKING:
    from playwright._impl._api_structures import FilePayload

pytestmark = pytest.mark.browser
_NAMED = re.compile("攻擊[0-9]{2}號")


@dataclass(frozen=True)
class Attacked:
    """A server whose documents attack, and who would hear of it if they succeeded."""

    server: Server
    listener: Listening
    texts: list[str]
    data: Path


@pytest.fixture(scope="module")
def attacked(tmp_path_factory: pytest.TempPathFactory, report_dir: Path) -> Iterator[Attacked]:
    folder = tmp_path_factory.mktemp("attacks")
    with listening() as listener:
        documents = folder / "documents"
        documents.mkdir()
        paragraphs = list(bodies(listener.url).values())
        for number, name in enumerate(NAMES):
            share = paragraphs[number :: len(NAMES)]
            (documents / name).write_text("\n\n".join(share), encoding="utf-8")
        build_index(documents, index_dir=folder / "index")
        with open_index(folder / "index") as index:
            passages = [
                passage.text
                for id_, *_ in index.document_list()
                for passage in index.passages_of(id_)
            ]
        where = ("--index", str(folder / "index"), "--data", str(folder / "data"))
        server = Server(*where, index=report_dir)
        yield Attacked(server, listener, passages, folder / "data")
        server.stop()


def layout_is_whole(opened: Visit) -> None:
    """Check that nothing of a document covers the page, widens it or takes its style away."""
    broken = opened.page.evaluate(
        """() => {
          const shown = document.querySelectorAll("#chat .message *, #panel *");
          const out = [...shown].filter((one) => {
            const style = getComputedStyle(one);
            return ["fixed", "sticky"].includes(style.position);
          });
          return [
            out.length,
            document.documentElement.scrollWidth > innerWidth,
            getComputedStyle(document.body).display === "none",
            document.querySelectorAll("#panel img, #panel form, #panel iframe, #panel style, "
              + "#panel script, #chat .message iframe, #chat .message form, "
              + "#chat .message style, #chat .message script, #chat .message img").length,
          ];
        }"""
    )
    assert broken == [0, False, False, 0]


def test_what_documents_try_is_shown_as_written(attacked: Attacked, visit: Visits) -> None:
    opened = visit(attacked.server, viewport={"width": 390, "height": 800})
    opened.choose("lenient")
    shown = set()
    for text in attacked.texts:
        name = _NAMED.match(text)
        assert name, text
        opened.ask(f"{name[0]}？")
        layout_is_whole(opened)
        sources = opened.newest_turn.locator("mark, blockquote").all()
        quoted = "".join(source.text_content() or "" for source in sources)
        assert name[0] in quoted
        shown.add(name[0])
        # Whatever is quoted stands in a document, to the last character.
        for mark in opened.newest_turn.locator("mark").all():
            assert any((mark.text_content() or "") in one for one in attacked.texts)
    assert len(shown) == len(attacked.texts)
    assert attacked.listener.heard == []


def test_what_questions_try_is_shown_as_written(attacked: Attacked, visit: Visits) -> None:
    opened = visit(attacked.server)
    for text in attacked.texts:
        question = text[:300]
        opened.ask(question)
        said = opened.questions.last.locator("[data-testid=user]").inner_text()
        assert "".join(said.split()) == "".join(question.split())
        layout_is_whole(opened)
    assert attacked.listener.heard == []


def test_what_comments_try_is_kept_as_written(
    attacked: Attacked, visit: Visits, capsys: pytest.CaptureFixture[str]
) -> None:
    opened = visit(attacked.server, viewport={"width": 390, "height": 800})
    page = opened.page
    field = page.locator("#comment textarea, #comment input")
    comments = [*attacked.texts, "=1+1\u202e\u001b[31m，改色"]
    for number, comment in enumerate(comments):
        page.locator("#new").click()
        opened.ask(f"攻擊{number}是什麼？")  # another each time: one answer is judged once
        page.get_by_label("This helped", exact=True).click()
        field.fill(comment)
        field.press("Enter")
        page.locator("#thanks").wait_for(state="hidden")
        layout_is_whole(opened)
    store = FeedbackStore(attacked.data / FEEDBACK_FILE)
    assert [one.comment for one in store.entries()] == comments
    assert attacked.listener.heard == []
    assert feedback_command(["list", "--data", str(attacked.data)]) == 0
    assert "\u001b" not in capsys.readouterr().out
    assert feedback_command(["list", "--csv", "--data", str(attacked.data)]) == 0
    listed = capsys.readouterr().out
    assert "\u001b" not in listed
    cells = [cell for row in csv.reader(io.StringIO(listed)) for cell in row]
    assert len(cells) > len(comments)
    assert not [cell for cell in cells if cell.startswith(("=", "+", "-", "@"))]


@pytest.fixture(scope="module")
def open_to_all(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Server, Path]]:
    """A server to which everybody may add documents, and its folder."""
    folder = tmp_path_factory.mktemp("uploads")
    (folder / "一.txt").write_text("員工每年享有十五天帶薪年假。", encoding="utf-8")
    build_index(folder / "一.txt", index_dir=folder / "index")
    server = Server("--allow-upload", index=folder / "index")
    yield server, folder
    server.stop()


def test_names_of_uploads_are_shown_and_lead_nowhere(
    open_to_all: tuple[Server, Path], visit: Visits
) -> None:
    server, folder = open_to_all
    opened = visit(server, viewport={"width": 390, "height": 800})
    page = opened.page
    page.get_by_role("tab").nth(1).click()
    field = page.locator("#documents-room .drop input")
    told = page.locator("#documents-room").get_by_role("alert")
    for name in UPLOADED_NAMES:  # a program, which is refused with its name
        field.set_input_files([_file(name, b"\x7fELF\x02\x01")])
        expect(told).to_contain_text("cannot be read")
        layout_is_whole(opened)
    texts = [f"第{number}份檔案的編號是{number}號。" for number in range(len(UPLOADED_NAMES))]
    named = zip(UPLOADED_NAMES, texts, strict=True)
    field.set_input_files([_file(name, text.encode()) for name, text in named])
    page.locator("[data-part=change] p strong").wait_for(timeout=120_000)
    expect(page.locator("[data-part=rows] tr")).to_have_count(1 + len(texts))
    shown = page.locator("[data-part=rows] th > bdi:first-child").all_inner_texts()
    safe = [safe_name(_as_sent(name)) for name in UPLOADED_NAMES]
    assert sorted(shown) == sorted(["一.txt", *safe])
    layout_is_whole(opened)
    kept = {path.name for path in folder.rglob("*") if path.is_file() and path.suffix == ".txt"}
    assert kept == set(shown)
    page.get_by_role("tab").first.click()
    opened.choose("lenient")
    for text, name in zip(texts, safe, strict=True):
        opened.ask(text.replace("號。", "號嗎？"))
        assert name.removesuffix(".txt") in opened.newest_turn.inner_text()
        layout_is_whole(opened)
    opened.complaints[:] = [one for one in opened.complaints if "415" not in one]


def _as_sent(name: str) -> str:
    """Return a file's name as a browser writes it in a form, after the HTML standard."""
    return name.replace('"', "%22").replace("\r", "%0D").replace("\n", "%0A")


def _file(name: str, content: bytes) -> "FilePayload":
    return {"name": name, "mimeType": "text/plain", "buffer": content}


@pytest.mark.parametrize("address", ADDRESSES)
def test_addresses_lead_nowhere(attacked: Attacked, address: str) -> None:
    connection = http.client.HTTPConnection("127.0.0.1", attacked.server.port, timeout=60)
    connection.putrequest("GET", address, skip_host=False)
    connection.endheaders()
    response = connection.getresponse()
    headers = {name.lower() for name, _ in response.getheaders()}
    content = response.read().decode(errors="replace")
    connection.close()
    assert "root:" not in content
    assert "build-backend" not in content
    assert "<script>window.hurt" not in content
    assert not headers & {"x-hurt", "access-control-allow-origin"}
    assert "content-security-policy" in headers
    assert "evil.example" not in (response.getheader("location") or "")


SLOW = [
    "(" * 900,
    "[[1]](#cite-1-" + "a" * 900,
    "和、" * 450,
    "2022年" * 200,
    "“" * 900,
    "a@" * 450,
    "-1." * 300,
    " \t" * 400 + "問",
    "內(nèi" * 200,
    "一" * 1000,
]


def test_no_question_takes_long_because_of_its_form(attacked: Attacked) -> None:
    taken = {}
    for question in ["攻擊是什麼？", *SLOW]:
        started = time.perf_counter()
        body = json.dumps({"question": question})
        connection = http.client.HTTPConnection("127.0.0.1", attacked.server.port, timeout=60)
        connection.request("POST", "/api/v1/ask", body, {"Content-Type": "application/json"})
        assert connection.getresponse().status in {200, 422}
        connection.close()
        taken[question[:20]] = time.perf_counter() - started
    assert max(taken.values()) < 10, taken
