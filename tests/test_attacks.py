"""Documents, names, questions and addresses that attack: nothing executes, nothing leaves."""

import http.client
import json
import re
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest
from attacks import ADDRESSES, NAMES, Listening, bodies, listening
from serving import Server, Visit, Visits

from index import build_index, open_index

pytestmark = pytest.mark.browser
_NAMED = re.compile("攻擊[0-9]{2}號")


@dataclass(frozen=True)
class Attacked:
    """A server whose documents attack, and who would hear of it if they succeeded."""

    server: Server
    listener: Listening
    texts: list[str]


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
        server = Server("--index", str(folder / "index"), index=report_dir)
        yield Attacked(server, listener, passages)
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
