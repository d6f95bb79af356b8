"""PDFs for tests, made on the spot with reportlab."""

from collections.abc import Callable, Sequence
from io import BytesIO

from reportlab.lib.pagesizes import A4
from reportlab.lib.pdfencrypt import StandardEncryption
from reportlab.lib.styles import ParagraphStyle
from reportlab.pdfbase import pdfmetrics
from reportlab.pdfbase.cidfonts import UnicodeCIDFont
from reportlab.pdfgen.canvas import Canvas
from reportlab.platypus import BaseDocTemplate, Flowable, Frame, PageTemplate, Paragraph

FONT = "STSong-Light"  # built into readers: no font file is needed
WIDTH, HEIGHT = A4
_MARGIN, _GUTTER = 60, 22

pdfmetrics.registerFont(UnicodeCIDFont(FONT))


def drawn(*pages: Callable[[Canvas], None], encrypt: StandardEncryption | None = None) -> bytes:
    """Return a PDF whose pages are drawn by functions."""
    file = BytesIO()
    canvas = Canvas(file, pagesize=A4, encrypt=encrypt)
    for page in pages:
        canvas.setFont(FONT, 11)
        page(canvas)
        canvas.showPage()
    canvas.save()
    return file.getvalue()


def typeset(story: Sequence[tuple[str, str]], *, columns: int = 1, running: bool = True) -> bytes:
    """Return a PDF of headings and paragraphs with running header, footer and page numbers.

    Args:
        story: pairs of ``h`` or ``p`` and the text.
        columns: on each page.
        running: whether there are running lines.
    """
    body = ParagraphStyle(
        "p", fontName=FONT, fontSize=11, leading=16, firstLineIndent=22, wordWrap="CJK", alignment=4
    )
    head = ParagraphStyle("h", fontName=FONT, fontSize=15, leading=22, spaceBefore=6)
    width = (WIDTH - 2 * _MARGIN - (columns - 1) * _GUTTER) / columns
    frames = [
        Frame(
            _MARGIN + n * (width + _GUTTER),
            _MARGIN,
            width,
            HEIGHT - 2 * _MARGIN,
            leftPadding=0,
            rightPadding=0,
        )
        for n in range(columns)
    ]

    def on_page(canvas: Canvas, document: BaseDocTemplate) -> None:
        if running:
            canvas.setFont(FONT, 9)
            canvas.drawString(_MARGIN, HEIGHT - 40, "内部资料 注意保存")
            canvas.drawRightString(WIDTH - _MARGIN, HEIGHT - 40, "新闻选集")
            canvas.drawCentredString(WIDTH / 2, 35, f"- {document.page} -")

    file = BytesIO()
    document = BaseDocTemplate(file, pagesize=A4)
    document.addPageTemplates([PageTemplate(frames=frames, onPage=on_page)])
    flowables: list[Flowable] = [
        Paragraph(text, head if kind == "h" else body) for kind, text in story
    ]
    document.build(flowables)
    return file.getvalue()


def with_picture(canvas: Canvas) -> None:
    """Draw a page as a scanner makes it."""
    from PIL import Image
    from reportlab.lib.utils import ImageReader

    canvas.drawImage(ImageReader(Image.new("L", (40, 60), 200)), 0, 0, WIDTH, HEIGHT)
