"""Questions that the page offers."""

from html.parser import HTMLParser

from hypothesis import given
from hypothesis import strategies as st
from serving import MARKUP_TEXT

from index import Index
from page.suggestions import first_questions, next_html
from page.words import REPORT_QUESTIONS


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
