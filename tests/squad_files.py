"""Tiny sets in SQuAD layout, for the tests of qa/evaluation."""

import json
from pathlib import Path

LIBRARY = "王小明是本館的館長。他於1998年到任。本館藏書三百萬冊。"
STATION = "車站建於1931年，由李大同設計。車站每日有旅客四萬人。"
PARK = "公園佔地二十公頃，園內有湖。湖中有島，島上有亭。"
SCHOOL = "學校的校長是陳文。學校有學生八百人，教師六十人。"
PARAGRAPHS = (
    (LIBRARY, [("1", "图书馆的馆长是谁？", ["王小明"]), ("2", " ", ["1998"])]),
    (STATION, [("3", "車站是誰設計的？", ["李大同"]), ("4", "車站每日有多少旅客？", ["四萬人"])]),
    (PARK, [("5", "公園佔地多少？", ["二十公頃"])]),
    (SCHOOL, [("6", "學校的校長是誰？", ["陳文"])]),
)


def squad(
    folder: Path, name: str, *paragraphs: tuple[str, list[tuple[str, str, list[str]]]]
) -> Path:
    """Write (context, [(id, question, answers)]) in SQuAD layout."""
    path = folder / name
    laid_out = [
        {
            "context": context,
            "qas": [
                {"id": id_, "question": text, "answers": [{"text": a} for a in answers]}
                for id_, text, answers in asked
            ],
        }
        for context, asked in paragraphs
    ]
    content = {"data": [{"title": "", "paragraphs": laid_out}]}
    path.write_text(json.dumps(content, ensure_ascii=False), encoding="utf-8")
    return path
