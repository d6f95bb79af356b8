"""What is refused, so that one file cannot take all memory, all disk or all day."""

from dataclasses import dataclass, fields

from index.errors import SettingError

_MIB = 1024 * 1024


@dataclass(frozen=True)
class Limits:
    """The most a document may ask for; a document beyond any of these is refused with a clear line.

    Attributes:
        max_file_size: bytes of one file, or of one member of an archive.
        max_characters: characters of one document's text.
        max_pages: pages of a PDF, slides, or sheets.
        max_unpacked: bytes that everything in one archive has unpacked, archives inside it
            included; docx, pptx, xlsx and epub are archives, too.
        max_members: files in one archive.
        max_nesting: archives inside archives; 1 = the archive itself.
        max_xml: bytes of one part of a docx, pptx or epub, which is read as a tree.
        max_depth: HTML elements inside one another.

    Raises:
        SettingError: a limit is below 1.
    """

    max_file_size: int = 256 * _MIB
    max_characters: int = 20_000_000
    max_pages: int = 5_000
    max_unpacked: int = 512 * _MIB
    max_members: int = 10_000
    max_nesting: int = 3
    max_xml: int = 64 * _MIB
    max_depth: int = 5_000

    def __post_init__(self) -> None:
        for field in fields(self):
            value = getattr(self, field.name)
            if value < 1:
                raise SettingError(f"{field.name} is {value}. Give 1 or more.")


def megabytes(size: int) -> str:
    """``52428800`` → ``50.0 MiB``; below a tenth of one, in bytes."""
    return f"{size / _MIB:,.1f} MiB" if size >= _MIB // 10 else f"{size:,} bytes"
