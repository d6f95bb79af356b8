"""The container of the bundled model, read from a file made by hand."""

import struct
from pathlib import Path

import numpy as np
import pytest

from index import ModelDamagedError
from index.e5s1 import Container


def hand_made() -> bytes:
    """Two pieces, one rule (Ａ → A), one plain tensor and one block of 4-bit weights."""
    head = b"E5S1" + struct.pack("<I7ifi", 1, 32, 1, 2, 64, 2, 16, 1, 1e-12, 32)
    blob = "▁甲".encode()
    pieces = struct.pack("<5iQ", 2, 0, 0, 0, 1, len(blob)) + struct.pack("<3I", 0, 3, 6)
    pieces += struct.pack("<2f", -1.5, -2.5) + blob
    rule = struct.pack("<IBI", ord("Ａ"), 1, ord("A"))
    pieces += struct.pack("<iI", 1, len(rule)) + rule
    # Byte j holds weight j low and weight j + 16 high; here 0..15 below and 15..0 above.
    block = struct.pack("<e", 0.5) + bytes(low | (15 - low) << 4 for low in range(16))
    plain = struct.pack("<2f", 1.25, -3.0)
    names = [("l0.q.w", 1, 32, block), ("l0.q.b", 0, 2, plain)]
    directory_bytes = 4 + sum(2 + len(name) + 21 for name, *_ in names)
    at = len(head) + len(pieces) + directory_bytes
    directory = struct.pack("<i", len(names))
    for name, kind, count, data in names:
        directory += struct.pack("<H", len(name)) + name.encode()
        directory += struct.pack("<BIQQ", kind, count, at, len(data))
        at += len(data)
    return head + pieces + directory + block + plain


def test_every_field(tmp_path: Path) -> None:
    (tmp_path / "model.bin").write_bytes(hand_made())
    with Container(tmp_path / "model.bin") as container:
        sizes, pieces = container.sizes, container.pieces
        assert (sizes.hidden, sizes.layers, sizes.heads, sizes.feed_forward) == (32, 1, 2, 64)
        assert (sizes.vocabulary, sizes.positions, sizes.token_types) == (2, 16, 1)
        assert sizes.layer_norm_epsilon == pytest.approx(1e-12)
        assert (pieces.texts, pieces.scores, pieces.unk) == (["▁", "甲"], [-1.5, -2.5], 1)
        assert pieces.normalisation == {ord("Ａ"): (ord("A"),)}
        assert container.tensor_names() == ["l0.q.w", "l0.q.b"]
        low = (np.arange(16) - 8) * 0.5
        high = (15 - np.arange(16) - 8) * 0.5
        assert container.tensor("l0.q.w").tolist() == [*low, *high]
        assert container.tensor("l0.q.b").tolist() == [1.25, -3.0]


@pytest.mark.parametrize("length", [5, 40, 60, 100])
def test_a_file_that_ends_early_is_named(tmp_path: Path, length: int) -> None:
    path = tmp_path / "model.bin"
    path.write_bytes(hand_made()[:length])
    with pytest.raises(ModelDamagedError, match=r"model\.bin.*pip install --force-reinstall"):
        Container(path)


def test_a_tensor_that_ends_early_is_named(tmp_path: Path) -> None:
    path = tmp_path / "model.bin"
    path.write_bytes(hand_made()[:-4])
    with Container(path) as container, pytest.raises(ModelDamagedError, match=r"l0\.q\.b"):
        container.tensor("l0.q.b")


def test_another_file_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "model.bin"
    path.write_bytes(b"GGUF" + hand_made()[4:])
    with pytest.raises(ModelDamagedError, match="first four bytes"):
        Container(path)
