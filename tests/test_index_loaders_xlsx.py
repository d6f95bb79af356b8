"""Excel → blocks."""

import datetime

import openpyxl
import pytest
from office_files import saved, workbook, zipped
from test_index_loaders import blocks_of, check_blocks

from index import DocumentError
from index.loaders import Limits, load


def test_rows_with_the_names_of_their_columns() -> None:
    content = workbook(
        [
            ["2023年產量表"],
            ["地區", "產量", "日期"],
            ["烏海", 5, datetime.date(2023, 8, 1)],
            ["包頭", 0.1 + 0.2, datetime.datetime.fromisoformat("2023-08-01 09:30")],
            [],
            ["姓名", "電話", "在職"],
            ["張三", 123.0, True],
        ],
        [["甲", "乙", "丙"], ["1", None, "3"]],
        [],
    )
    decoded = load("a.xlsx", content)
    assert blocks_of(decoded) == [
        ("表1", 1),
        ("2023年產量表", None),
        ("地區：烏海 | 產量：5 | 日期：2023-08-01", None),
        ("地區：包頭 | 產量：0.3 | 日期：2023-08-01 09:30:00", None),
        ("姓名：張三 | 電話：123 | 在職：TRUE", None),
        ("表2", 1),
        ("甲：1 | 丙：3", None),
    ]
    assert [b.page for b in decoded.blocks or ()] == [1, 1, 1, 1, 1, 2, 2]
    check_blocks(decoded)


def test_shares_are_told_as_shown() -> None:
    book = openpyxl.Workbook()
    sheet = book.worksheets[0]
    sheet.append([0.154])
    sheet["A1"].number_format = "0.0%"
    assert load("a.xlsx", saved(book.save)).text.endswith("15.4%")


def test_a_name_that_says_nothing_is_no_heading() -> None:
    book = openpyxl.Workbook()
    for name in ("Sheet1", "工作表 2", "水庫"):
        book.create_sheet(name).append([f"{name}之內"])
    found = blocks_of(load("a.xlsx", saved(book.save)))
    assert [text for text, level in found if level is not None] == ["水庫"]


def test_a_cell_far_away_takes_no_time() -> None:
    book = openpyxl.Workbook()
    sheet = book.worksheets[0]
    sheet["A1"], sheet["XFD200000"] = "甲", "乙"
    assert blocks_of(load("a.xlsx", saved(book.save))) == [("甲", None), ("乙", None)]


def test_limits_and_damage() -> None:
    content = workbook([["甲"]], [["乙"]])
    with pytest.raises(DocumentError, match=r"2 sheets; the limit is 1 \(max_pages\)"):
        load("a.xlsx", content, limits=Limits(max_pages=1))
    damaged = zipped({"[Content_Types].xml": "<x/>", "xl/workbook.xml": "<x/>"})
    with pytest.raises(DocumentError, match="damaged workbook"):
        load("a.xlsx", damaged)
    bomb = zipped({"[Content_Types].xml": "<x/>", "xl/a.xml": "<!DOCTYPE a [<!ENTITY b 'c'>]><a/>"})
    with pytest.raises(DocumentError, match="defines entities"):
        load("a.xlsx", bomb)
