"""HTML → blocks."""

import pytest
from test_index_loaders import blocks_of

from index import DocumentError
from index.loaders import Limits, load

PAGE = """<!DOCTYPE html><html><head><title>站點</title><style>p{}</style></head><body>
<nav>首頁</nav><h1>內<ruby>蒙<rp>(</rp><rt>měng</rt><rp>)</rp></ruby>古 報告</h1>
<p>第一段，
有換行 and English
words。<b>粗</b>體<br>下</p>
<ul><li>項一<li>項二<ul><li>內項</ul></ul>
<table><caption>產量表</caption><tr><th>地區<th>產量<tr><td>烏海<td>5<tr><td rowspan=2>包頭<td>7
<tr><td>8<tr><td colspan=2>完</table>
<table><tr><td>姓名<td>楊偉東<tr><td>職務<td>書記</table>
<pre>a
  b</pre><!-- x --><p style="display: none">藏</p><p hidden>藏</p><script>藏()</script></body>"""


def test_blocks() -> None:
    assert blocks_of(load("a.html", PAGE.encode())) == [
        ("內蒙古 報告", 0),
        ("第一段，有換行 and English words。粗體 下", None),
        ("項一", None),
        ("項二", None),
        ("內項", None),
        ("產量表", None),
        ("地區：烏海 | 產量：5", None),
        ("地區：包頭 | 產量：7", None),
        ("地區：包頭 | 產量：8", None),
        ("地區：完", None),
        ("姓名：楊偉東", None),
        ("職務：書記", None),
        ("a\n  b", None),
    ]


def test_what_is_left_out_is_told() -> None:
    skipped = {one.what: one.count for one in load("a.html", PAGE.encode()).skipped}
    assert skipped == {
        "navigation bars": 1,
        "readings above characters": 3,
        "comments": 1,
        "hidden parts": 2,
        "scripts": 1,
    }


def test_the_title_stands_in_for_a_missing_heading() -> None:
    page = b"<html><title>\xe9\xa1\x8c</title><h2>\xe7\xaf\x80</h2>x"
    assert blocks_of(load("a.html", page)) == [("題", 0), ("節", 1), ("x", None)]


@pytest.mark.parametrize("declared", ['<meta charset="gb2312">', '<?xml encoding="GBK"?>'])
def test_a_declared_encoding_is_believed(declared: str) -> None:
    page = f"{declared}<html><p>㐀甲乙</p>".encode("gb18030")
    assert load("a.html", page).text == "㐀甲乙"


def test_a_wrong_declaration_is_not() -> None:
    page = '<html><meta charset="gbk"><p>解決問題放在首位。</p>'.encode()
    assert load("a.html", page).text == "解決問題放在首位。"


def test_deep_pages_end_in_a_line_or_in_text() -> None:
    deep = b"<html>" + b"<div>" * 100_000 + "深".encode()
    with pytest.raises(DocumentError, match=r"100,001 deep .* 5,000 \(max_depth\)"):
        load("a.html", deep)
    few = b"<html>" + b"<div>" * 4_000 + "深".encode()
    assert load("a.html", few).text == "深"
    lists = b"<html>" + b"<li><p>x" * 20_000  # these close themselves
    assert len(load("a.html", lists, limits=Limits(max_depth=100)).blocks or ()) == 20_000
