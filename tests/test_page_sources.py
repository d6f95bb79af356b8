"""What has become of a quote: where it stands, where it stands now, what it was."""

from collections.abc import Callable
from pathlib import Path

import pytest

from index import Index, build_index, open_index
from page.conversation import Messages, a_message
from page.links import Link
from page.markdown import in_blockquote
from page.panel import panel
from page.sources import find_source_again
from qa import resolve

QUOTE = "員工每年享有十五天帶薪年假。"
BEFORE = f"第一章講總則。\n\n{QUOTE}另須提前申請。\n\n末章講附則。"

Rewrites = Callable[[str], Index]


@pytest.fixture
def rewrite(tmp_path: Path, tiny: Path) -> Rewrites:
    """Write the one document anew and build again."""

    def write(text: str, name: str = "rules.txt") -> Index:
        docs = tmp_path / "docs"
        docs.mkdir(exist_ok=True)
        (docs / name).write_text(text, encoding="utf-8")
        build_index(docs, index_dir=tmp_path / "index", model=str(tiny))
        return open_index(tmp_path / "index")

    return write


def link_to_quote(index: Index) -> Link:
    document = index.document(index.document_list()[0][0])
    start = document.text.index(QUOTE)
    content = document.content_hash[:16]
    link = Link("cite", 1, document.id, start, start + len(QUOTE), content=content)
    return Link(**{**vars(link), "before": in_blockquote(QUOTE)})


def conversation(link: Link, quote: str = QUOTE) -> Messages:
    answer = f"{in_blockquote(quote)} {link.to_markdown(1)}"
    return [a_message("user", "年假幾天？"), a_message("assistant", answer)]


def test_a_quote_that_stands_where_it_stood_is_current(rewrite: Rewrites) -> None:
    with rewrite(BEFORE) as index:
        source = find_source_again(index, link_to_quote(index))
    assert source is not None
    assert (source.status, source.quote) == ("current", QUOTE)


def test_a_quote_that_has_moved_is_shown_where_it_is_now(rewrite: Rewrites) -> None:
    with rewrite(BEFORE) as index:
        link = link_to_quote(index)
    with rewrite(f"新增的一章。\n\n{BEFORE}") as index:
        source = find_source_again(index, link)
        content = panel(conversation(link), index)
        assert source is not None
        assert source.status == "moved"
        assert source.document.text[source.start : source.end] == QUOTE
        assert resolve(source.reference, index=index).quote == QUOTE
        assert f">{QUOTE}</mark>" in content
        assert "引文現在位於這裡" in content
        # The button leads to where it stands now.
        assert f'data-at="{source.place.address}"' in content
        assert find_source_again(index, Link(**{**vars(source.place), "before": link.before}))


def test_a_quote_that_is_gone_is_shown_as_what_it_was(rewrite: Rewrites) -> None:
    with rewrite(BEFORE) as index:
        link = link_to_quote(index)
    with rewrite("第一章講總則。\n\n員工每年享有十天年假。\n\n末章講附則。") as index:
        source = find_source_again(index, link)
        content = panel(conversation(link), index)
    assert source is not None
    assert (source.status, source.quote) == ("changed", QUOTE)
    assert "已沒有這句話" in content
    assert QUOTE in content
    assert "<mark" not in content
    assert 'data-do="read"' not in content


def test_only_what_the_message_quotes_is_brought_back(rewrite: Rewrites) -> None:
    with rewrite(BEFORE) as index:
        link = link_to_quote(index)
    with rewrite("全文已經改寫。") as index:
        # Whoever never had the words must not get them from an older generation.
        content = panel(conversation(link, "別的話。"), index)
    assert QUOTE not in content
    assert "不再是當時的原文" in content


def test_a_document_of_another_index_is_gone(rewrite: Rewrites, report_index: Index) -> None:
    with rewrite(BEFORE) as index:
        link = link_to_quote(index)
    assert find_source_again(report_index, link) is None
