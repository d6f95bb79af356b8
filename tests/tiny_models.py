"""Models small enough to be made for a test."""

from pathlib import Path


def tiny_model(folder: Path, *, dimension: int = 16) -> Path:
    """Make a real, if ignorant, BERT with a character tokenizer."""
    from sentence_transformers import SentenceTransformer
    from sentence_transformers.sentence_transformer.modules import Pooling, Transformer
    from transformers import BertConfig, BertModel, BertTokenizer

    body = folder.parent / "body"
    body.mkdir()
    words = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]", *"甲乙文件講网络水利。"]
    BertTokenizer(vocab={word: n for n, word in enumerate(words)}).save_pretrained(body)
    config = BertConfig(
        vocab_size=len(words),
        hidden_size=dimension,
        num_hidden_layers=1,
        num_attention_heads=2,
        intermediate_size=32,
    )
    BertModel(config).save_pretrained(body)
    transformer = Transformer(str(body), max_seq_length=64)
    SentenceTransformer(modules=[transformer, Pooling(dimension)]).save(str(folder))
    return folder
