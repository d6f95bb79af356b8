"""A running server, a reader's browser, and what hostile readers and documents may try."""

import http.client
import json
import os
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

from hypothesis import strategies as st

from qa import Strictness

if TYPE_CHECKING:
    from playwright.sync_api import Locator, Page

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

MARKUP_TEXT = st.lists(
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

# The same words in five documents, once in the other script; titles try to be markup.
COPIES = [
    "# [甲](http://evil.example/a)<b>\n\n员工每年享有十五天带薪年假，须提前两周申请。\n\n甲的其余事项另行规定。",
    "# 乙 | `乙` ![](http://evil.example/b)\n\n員工每年享有十五天帶薪年假，須提前兩週申請。\n\n乙未盡事宜從略。",
    *(
        f"# {name}\n\n员工每年享有十五天带薪年假，须提前两周申请。\n\n{name}归档备查。"
        for name in ("丙](#also-1-ab-0-5)", "丁<script>window.hurt=1</script>", "戊")
    ),
]


class Server:
    """``python app.py`` on a port that stays its own through restarts."""

    def __init__(
        self, *arguments: str, index: Path, environment: Mapping[str, str] | None = None
    ) -> None:
        self._arguments = arguments
        self._environment = {
            **os.environ,
            "YINZHENG_INDEX": str(index),
            "YINZHENG_DATA": str(index.parent / "data"),
            "HF_HUB_OFFLINE": "1",
            **(environment or {}),
        }
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
        return self.wait()

    def tell_to_end(self) -> None:
        self._process.terminate()

    def wait(self) -> int:
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

    def post_json(self, path: str, value: object) -> int:
        """Send a value as JSON; return the status of the response."""
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=120)
        try:
            headers = {"Content-Type": "application/json"}
            connection.request("POST", f"/{path}", json.dumps(value), headers)
            return connection.getresponse().status
        finally:
            connection.close()


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
