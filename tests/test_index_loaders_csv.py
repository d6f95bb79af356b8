"""CSV, TSV, and how the rows of every table are told."""

import pytest
from test_index_loaders import blocks_of

from index.loaders import load
from index.loaders.tables import row_lines


def rows_of(name: str, content: bytes) -> list[str]:
    return [text for text, _ in blocks_of(load(name, content))]


def test_each_row_has_the_names_of_its_columns() -> None:
    text = '地區,產量,備註\n烏海,5,"多\n行，, ""引"""\n\n包頭,7,\n'
    for encoding in ("utf-8-sig", "big5", "utf-16", "gb18030"):
        assert rows_of("a.csv", text.encode(encoding)) == [
            '地區：烏海 | 產量：5 | 備註：多 行，, "引"',
            "地區：包頭 | 產量：7",
        ]


@pytest.mark.parametrize("delimiter", ",;\t|")
def test_delimiters_are_found_out(delimiter: str) -> None:
    text = f"甲{delimiter}乙{delimiter}丙\na.b{delimiter}2{delimiter}3\n"
    assert rows_of("a.csv", text.encode()) == ["甲：a.b | 乙：2 | 丙：3"]


def test_tabs() -> None:
    assert rows_of("a.tsv", "甲\t乙,丙\n1\t2,3\n".encode()) == ["甲：1 | 乙,丙：2,3"]


@pytest.mark.parametrize(
    ("rows", "lines"),
    [
        ([], []),
        ([["", " "]], []),
        ([["甲", "乙", "丙"]], ["甲 | 乙 | 丙"]),
        ([["姓名", "楊偉東"], ["職務", "書記"]], ["姓名：楊偉東", "職務：書記"]),
        ([["地區", "產量"], ["烏海", "5"]], ["地區：烏海 | 產量：5"]),
        ([["1", "2", "3"], ["4", "5", "6"]], ["1 | 2 | 3", "4 | 5 | 6"]),
        ([["表一", ""], ["地區", "產量"], ["烏海", "5"]], ["表一", "地區：烏海 | 產量：5"]),
        ([["年", "月", "日"], ["2023", "8", "", "多"], ["1"]], ["年：2023 | 月：8 | 多", "年：1"]),
    ],
)
def test_rows(rows: list[list[str]], lines: list[str]) -> None:
    assert list(row_lines(rows)) == lines


def test_a_quote_that_is_never_closed_is_read_on() -> None:
    assert rows_of("a.csv", '甲,乙\n"未完,2\n'.encode()) == ["甲：乙", "未完,2"]
