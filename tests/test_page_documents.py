"""The documents tab: its words, and what visitors do in it with a real browser."""

import http.client
import re
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from news_texts import long_text
from pdf_files import typeset
from playwright.sync_api import expect
from serving import ROOT, Server, Visit, Visits

from index import DocumentError, build_index, list_documents, list_generations, verify
from index.loaders import load
from page.documents_words import LANG, ROOM_WORDS
from page.reason_words import reasons

if TYPE_CHECKING:
    from playwright.sync_api import Locator

HOSTILE = "<b>x<img src=x onerror=window.hurt=1>${1+1}{{7}}.md"
SCRIPT = (ROOT / "page" / "static" / "documents.js").read_text(encoding="utf-8")


def test_every_word_is_there_in_every_language() -> None:
    words = ROOM_WORDS["en"]
    assert ROOM_WORDS.keys() == LANG.keys()
    for others in ROOM_WORDS.values():
        assert others.keys() == words.keys()
        for name, word in others.items():
            assert word
            assert set(re.findall("%[0-9]", word)) == set(re.findall("%[0-9]", words[name])), name


def test_the_script_says_the_words_there_are_and_all_of_them() -> None:
    said = set(re.findall(r'(?:word|add|tool|column)\("(\w+)"', SCRIPT))
    said |= set(re.findall(r'"(\w+)"', re.findall(r"const head = \[(.*?)\]", SCRIPT)[0]))
    said |= {f"{count}_done" for count in ("files", "paragraphs")}
    said |= {f"doing_{kind}" for kind in ("add", "update", "rebuild", "remove", "rollback")}
    stages = ("start", "read", "embed", "compress", "write")
    said |= {f"stage_{stage}" for stage in stages}
    statuses = ("new", "changed", "unchanged", "renamed", "removed", "vanished", "failed")
    said |= {f"is_{status}" for status in (*statuses, "passed_over")}
    said |= {f"refused_{status}" for status in (403, 404, 409, 413, 415)}
    said |= set(
        re.findall(r'"(same|unread|done|cancelling|cancel|update_hint|rebuild_hint)"', SCRIPT)
    )
    assert said == set(ROOM_WORDS["en"])


@pytest.mark.parametrize(
    ("name", "content"),
    [
        ("a.pdf", b"%PDF-1.4\nnothing"),
        ("b.txt", b"\x7fELF\x02\x01"),
        ("c.png", b"\x89PNG\r\n\x1a\n"),
        ("d.zip", b"PK\x03\x04" + bytes(40)),
        ("e.rtf", b"{\\rtf1 a}"),
        ("f.doc", b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + bytes(600)),
        ("g.txt", b"  \n"),
        ("h.7z", b"7z\xbc\xaf\x27\x1c"),
    ],
)
def test_what_the_index_says_of_a_file_it_cannot_read_is_known_in_chinese(
    name: str, content: bytes
) -> None:
    with pytest.raises(DocumentError) as refused:
        load(name, content)
    why = str(refused.value).removeprefix(f"{name}: ")
    known = reasons("zh-TW")
    matched = [said for pattern, said in known if re.fullmatch(pattern, why)]
    assert len(matched) == 1, why


def test_reasons_are_the_same_in_both_scripts_and_none_in_english() -> None:
    assert reasons("en") == []
    for (pattern, simplified), (_, traditional) in zip(
        reasons("zh-CN"), reasons("zh-TW"), strict=True
    ):
        gaps = set(re.findall("%[0-9]", simplified))
        assert gaps == set(re.findall("%[0-9]", traditional))
        assert len(gaps) == re.compile(pattern).groups


# ---- in the browser ----

_DROP = """field => {
  const dataTransfer = new DataTransfer();
  dataTransfer.items.add(new File([new Uint8Array([0x7f, 0x45, 0x4c, 0x46, 2, 1])], "a.txt"));
  field.dispatchEvent(new DragEvent("drop", { dataTransfer, bubbles: true, cancelable: true }));
}"""


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("documents")
    (folder / "docs").mkdir()
    (folder / "docs" / "規章.txt").write_text("員工每年享有十五天帶薪年假。", encoding="utf-8")
    (folder / "docs" / HOSTILE).write_text("# <i>標題\n\n攻擊者的文件。", encoding="utf-8")
    build_index(folder / "docs", index_dir=folder / "index")
    return folder


@pytest.fixture(scope="module")
def open_server(folder: Path) -> Iterator[Server]:
    running = Server("--allow-upload", "--index", str(folder / "index"), index=folder / "index")
    yield running
    assert running.stop() == 0


def open_tab(visit: Visit) -> "Locator":
    """Open the documents tab; return its room when the list is there."""
    visit.page.get_by_role("tab").nth(1).click()
    visit.page.locator("#documents-room tbody tr").first.wait_for()
    return visit.page.locator("#documents-room")


def upload(room: "Locator", name: str, content: bytes) -> None:
    room.locator(".drop input").set_input_files(
        {"name": name, "mimeType": "application/octet-stream", "buffer": content}
    )


def wait_until_ended(room: "Locator") -> str:
    """Wait until the change that has begun has ended; return what is said of it."""
    room.locator("[data-part=bar]").wait_for()
    return outcome(room)


def outcome(room: "Locator") -> str:
    """Wait until the change has ended; return what is said of it."""
    result = room.locator("[data-part=change] p strong")
    result.wait_for(timeout=180_000)
    return result.inner_text()


def names(room: "Locator") -> list[str]:
    return room.locator("[data-part=rows] th > bdi:first-child").all_inner_texts()


@pytest.mark.browser
def test_a_visitor_uploads_a_pdf_asks_about_it_and_takes_it_out_again(
    visit: Visits, open_server: Server, folder: Path
) -> None:
    opened = visit(open_server, locale="zh-TW")
    room = open_tab(opened)
    assert names(room) == [HOSTILE, "規章.txt"]
    story = [("h", "水庫管理辦法"), ("p", "紅山水庫的總庫容為二十五億六千萬立方公尺。")]
    upload(room, "水庫報告.pdf", typeset(story))
    assert wait_until_ended(room) == "已完成。現在起用新的索引作答。"
    report = room.locator("[data-part=change] tbody tr")
    expect(report.locator("th")).to_have_text(["水庫報告.pdf"])
    expect(report.locator("td").first).to_have_text("新增")
    dropped = report.locator("td li")
    expect(dropped).to_have_text(["1: 頁碼：每頁都有"])
    expect(dropped.first).to_have_attribute("lang", "zh-Hant")
    opened.page.wait_for_function(
        "document.querySelectorAll('#documents-room [data-part=rows] tr').length === 3"
    )

    opened.page.get_by_role("tab").first.click()
    answer = opened.ask("紅山水庫的總庫容是多少？")
    assert "二十五億六千萬立方公尺" in answer.locator("blockquote").first.inner_text()

    room = open_tab(opened)
    room.get_by_role("checkbox", name="選取 水庫報告.pdf").check()
    room.get_by_role("button", name="移除所選（1）").click()
    opened.page.get_by_role("dialog").get_by_role("button", name="維持原樣").click()
    expect(opened.page.get_by_role("dialog")).to_have_count(0)
    room.get_by_role("button", name="移除所選（1）").click()
    opened.page.get_by_role("dialog").get_by_role("button", name="移除", exact=True).click()
    assert wait_until_ended(room) == "已完成。現在起用新的索引作答。"
    opened.page.wait_for_function(
        "document.querySelectorAll('#documents-room [data-part=rows] tr').length === 2"
    )
    assert list((folder / "data").rglob("*.pdf")) == []

    room.get_by_text("索引的各個版本").click()
    room.get_by_role("button", name="改回這一版").first.click()
    dialog = opened.page.get_by_role("dialog")
    assert "3 篇文件" in dialog.inner_text()
    dialog.get_by_role("button", name="改回").click()
    assert wait_until_ended(room) == "已完成。現在起用新的索引作答。"
    opened.page.wait_for_function(
        "document.querySelectorAll('#documents-room [data-part=rows] tr').length === 3"
    )
    assert "檔案已不在" in room.locator("tr", has_text="水庫報告.pdf").inner_text()


@pytest.mark.browser
def test_a_long_change_is_seen_by_all_and_cancelled(
    visit: Visits, open_server: Server, folder: Path
) -> None:
    before = [one.name for one in list_generations(folder / "index")]
    opened, looking_on = visit(open_server), visit(open_server, locale="zh-CN")
    room = open_tab(opened)
    listed = names(room)
    upload(room, "long.txt", long_text(5_000).encode())
    progress = room.locator(
        "[data-part=reached]", has_text=re.compile(r"paragraphs \d+ of 5,?00\d")
    )
    progress.wait_for(timeout=120_000)
    other = open_tab(looking_on)
    other.get_by_text("正在添加文档").first.wait_for()
    expect(other.locator("[data-tool=rebuild]")).to_be_disabled()
    looking_on.page.get_by_role("tab").first.click()
    assert "十五天" in looking_on.ask("員工的年假有幾天？").locator("blockquote").first.inner_text()

    room.get_by_role("button", name="Cancel").click()
    said = outcome(room)
    assert re.fullmatch(
        r"Cancelled \(files 1 of 1 · paragraphs \d+ of 5,?00\d.*\)\. The old index is unchanged\.",
        said,
    )
    expect(room.locator("[data-part=rows] th > bdi:first-child")).to_have_text(listed)
    assert [one.name for one in list_generations(folder / "index")] == before
    assert verify(folder / "index") == []
    assert all("long.txt" not in info.path for info in list_documents(folder / "index"))


@pytest.mark.browser
def test_what_is_refused_is_said_in_the_reader_s_language(
    visit: Visits, open_server: Server
) -> None:
    opened = visit(open_server, locale="zh-CN")
    room = open_tab(opened)
    room.locator(".drop").evaluate(_DROP)
    told = room.get_by_role("alert")
    told.wait_for()
    expect(told).to_have_text("有文件无法读取。 \u2068a.txt\u2069：是程序，无法读取。请不收录。")
    assert opened.complaints.pop().startswith("Failed to load resource")  # 415, as it should be


@pytest.mark.browser
def test_a_list_is_found_in_by_keyboard_on_a_phone_in_the_dark(
    visit: Visits, open_server: Server
) -> None:
    opened = visit(
        open_server, viewport={"width": 360, "height": 740}, color_scheme="dark", locale="zh-HK"
    )
    room = open_tab(opened)
    assert room.get_attribute("lang") == "zh-Hant"
    room.get_by_role("searchbox").focus()
    opened.page.keyboard.type("规章")  # the other script
    opened.page.wait_for_function(
        "document.querySelectorAll('#documents-room [data-part=rows] tr').length === 1"
    )
    assert names(room) == ["規章.txt"]
    opened.page.keyboard.press("Tab")  # to the table, which can be scrolled
    opened.page.keyboard.press("Tab")
    opened.page.keyboard.press("Tab")
    assert opened.page.evaluate("document.activeElement.ariaLabel") == "選取 規章.txt"
    opened.page.keyboard.press("Space")
    button = room.get_by_role("button", name="移除所選（1）")
    button.focus()
    opened.page.keyboard.press("Enter")
    dialog = opened.page.get_by_role("dialog")
    assert dialog.get_by_role("button", name="維持原樣").evaluate(
        "e => e === document.activeElement"
    )
    opened.page.keyboard.press("Escape")
    expect(opened.page.get_by_role("dialog")).to_have_count(0)
    wide = "document.documentElement.scrollWidth > document.documentElement.clientWidth"
    assert not opened.page.evaluate(wide)


@pytest.mark.browser
def test_a_reader_sees_the_list_and_no_way_to_change_it(visit: Visits, server: Server) -> None:
    opened = visit(server)
    room = open_tab(opened)
    assert names(room) == ["report.txt"]
    assert room.locator("input:visible").count() == 1, "only the one to search"
    assert room.locator("button:visible, [data-tool], .drop, summary:visible").count() == 0


def test_a_reader_s_direct_calls_are_refused(server: Server) -> None:
    def post(path: str, body: bytes, kind: str) -> tuple[int, bytes]:
        connection = http.client.HTTPConnection("127.0.0.1", server.port, timeout=30)
        connection.request("POST", path, body, {"content-type": kind})
        response = connection.getresponse()
        told = response.status, response.read()
        connection.close()
        return told

    form = (
        b'--x\r\ncontent-disposition: form-data; name="files"; filename="a.txt"\r\n\r\nabc\r\n--x--'
    )
    kind = "multipart/form-data; boundary=x"
    status, told = post("/api/v1/documents", form, kind)
    assert status == 403
    assert b"may not change" in told
    assert post("/api/v1/rebuild", b"{}", "application/json")[0] == 403
    assert post("/gradio_api/upload", form, kind)[0] == 403, "nor does Gradio take the file"
