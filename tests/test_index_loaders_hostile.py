"""Hostile files: one clear line each, and the rest is read."""

import time
from pathlib import Path

import pytest
from hostile_files import HOSTILE, write_all

from index import DocumentError, FailedFile
from index.loaders import Limits, find_sources, load


def test_each_hostile_file_gives_one_line_and_the_others_are_read(tmp_path: Path) -> None:
    write_all(tmp_path)
    lines: dict[str, list[str]] = {}
    texts: dict[str, str] = {}
    for source in find_sources([tmp_path]):
        name = Path(source.path).name
        if isinstance(source, FailedFile):
            lines.setdefault(name, []).append(source.reason)
            continue
        try:
            texts[name] = load(source.path, source.read()).text
        except DocumentError as error:
            lines.setdefault(name, []).append(str(error))
    assert texts == {"a_sound.txt": "第一份好的文件。", "z_sound.txt": "第二份好的文件。"}
    assert set(lines) == set(HOSTILE)
    for name, told in lines.items():
        assert len(told) == 1, name
        assert name in told[0]
        assert told[0].isprintable(), name
        assert told[0].endswith("."), name


@pytest.mark.parametrize(
    ("name", "reason"),
    [
        ("bomb.docx", r"would unpack to 600\.0 MiB; the limit is 512\.0 MiB \(max_unpacked\)"),
        ("part_bomb.docx", r"word/document\.xml is 100\.0 MiB unpacked; the limit is 64\.0 MiB"),
        ("bomb.zip", r"would unpack to 600\.0 MiB"),
        ("crowded.zip", r"more than 10,000 members \(max_members\)"),
        ("long.pdf", r"10,000 pages; the limit is 5,000 \(max_pages\)"),
        ("deep.html", r"100,001 deep"),
        ("deep.docx", r"no valid XML"),
        ("half.docx", "damaged ZIP"),
        ("old.docx", "old Office format"),
        ("picture.docx", "PNG picture"),
    ],
)
def test_the_line_says_what_is_wrong(name: str, reason: str) -> None:
    content = HOSTILE[name]()
    with pytest.raises(DocumentError, match=reason):
        load(name.replace(".zip", ".docx"), content)


def seconds_to_load(name: str, content: bytes, **options: object) -> float:
    started = time.process_time()
    assert load(name, content, **options).text.strip()  # type: ignore[arg-type]
    return time.process_time() - started


@pytest.mark.parametrize("name", ["a.txt", "a.md", "a.html", "a.csv"])
def test_one_long_line_and_many_short_ones_take_time_by_their_length(name: str) -> None:
    seconds_to_load(name, "先讀一次詞典。".encode("gb18030"))
    line = "各級政法機關堅持問題導向，" * 130_000  # 5 MB
    many = "第一份文件講的是網絡安全。\n\n" * 100_000
    for text in (line, many):
        # Measured: .1 s as text, 4 s as Markdown of 100,000 paragraphs; by the square it would be
        # hours.
        assert seconds_to_load(name, text.encode("gb18030")) < 30


def test_a_text_beyond_the_limit_is_refused_before_it_is_decoded() -> None:
    content = b"x" * 90_000_000
    started = time.process_time()
    with pytest.raises(DocumentError, match=r"more than 20,000,000 characters"):
        load("a.txt", content)
    assert time.process_time() - started < 5
    small = Limits(max_file_size=1000)
    with pytest.raises(DocumentError, match=r"85\.8 MiB; the limit is 1,000 bytes"):
        load("a.txt", content, limits=small)
