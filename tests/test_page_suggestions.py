"""Questions that the page offers."""

import threading
from html.parser import HTMLParser
from pathlib import Path
from typing import get_args

from hypothesis import given
from hypothesis import strategies as st
from serving import MARKUP_TEXT

from index import Index, build_index, open_index
from page.suggestions import begin_first_questions, first_questions, next_html
from page.words import REPORT_QUESTIONS
from qa import ask
from qa.types import Language


class Buttons(HTMLParser):
    """The texts of buttons, and every tag."""

    def __init__(self, content: str) -> None:
        super().__init__()
        self.texts: list[str] = []
        self.tags: set[str] = set()
        self.feed(content)
        self.close()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:  # noqa: ARG002
        self.tags.add(tag)
        if tag == "button":
            self.texts.append("")

    def handle_data(self, data: str) -> None:
        self.texts[-1] += data


@given(st.lists(MARKUP_TEXT, max_size=4))
def test_a_question_offered_is_shown_as_it_is(questions: list[str]) -> None:
    shown = Buttons(next_html(questions, "zh-Hant"))
    assert shown.texts == questions
    assert shown.tags <= {"div", "button"}


def test_the_report_has_its_own_questions(report_index: Index, hostile_index: Index) -> None:
    assert tuple(first_questions(report_index, "en")) == REPORT_QUESTIONS
    assert not set(first_questions(hostile_index, "en")) & set(REPORT_QUESTIONS)


def test_questions_to_begin_with_are_made_before_anybody_comes(tmp_path: Path) -> None:
    (tmp_path / "水利.txt").write_text(
        "紅山水庫的總庫容提升12.5%,灌溉面積為三百萬畝。\n\n王小明擔任管理處主任。", encoding="utf-8"
    )
    build_index(tmp_path / "水利.txt", index_dir=tmp_path / "index")
    begin_first_questions(str(tmp_path / "index"))
    for thread in threading.enumerate():
        if thread.name == "example-questions":
            thread.join(timeout=60)
    with open_index(tmp_path / "index") as index:
        for language in get_args(Language):
            # The first call never waits: what it returns had been made.
            questions = first_questions(index, language)
            assert questions, language
            assert all(ask(one, index=index).status == "answered" for one in questions)
