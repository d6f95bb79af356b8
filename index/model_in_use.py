"""The model of a build: known from the old generation, and loaded only when there is work for it.

Loading takes seconds, which a build that changes nothing, or only removes, need not take.
"""

import shlex
from collections.abc import Sequence
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING

from index.errors import ModelError, ModelMismatchError, ModelNotFoundError
from index.manifest import Manifest

if TYPE_CHECKING:
    from index.embedder import Embedder


class ModelInUse:
    """The embedding model of a build.

    Attributes:
        name: the bundled model's name, a folder, or a name on a model hub.
        revision: identifies the weights.
        dimension: length of a vector.
        max_tokens: longest input in tokens.
        is_that_of_old: whether the old generation was made with it.

    Args:
        setting: the model asked for; None = the bundled one.
        old: what the old generation says of itself, if there is one.
        allow_download: whether a model that is not on this machine may be fetched.

    Raises:
        ModelError: the model cannot be used.
    """

    def __init__(
        self, setting: str | None, old: Manifest | None, *, allow_download: bool = True
    ) -> None:
        from index.models import identify

        self._setting, self._allow_download = setting, allow_download
        known = identify(setting)
        facts: Manifest | Embedder
        self.name: str
        self.revision: str
        if old is not None and known == (old.model, old.model_revision):
            facts, (self.name, self.revision) = old, known
        else:
            facts = self.embedder
            self.name, self.revision = facts.name, facts.revision
        self.dimension: int = facts.dimension
        self.max_tokens: int = facts.max_tokens
        self.is_that_of_old: bool = old is not None and self._facts == (
            *(old.model, old.model_revision, old.dimension, old.max_tokens),
        )

    @property
    def _facts(self) -> tuple[str, str, int, int]:
        return self.name, self.revision, self.dimension, self.max_tokens

    @cached_property
    def embedder(self) -> "Embedder":
        """The model itself."""
        from index.models import load_embedder

        return load_embedder(self._setting, allow_download=self._allow_download)

    def count_tokens(self, texts: Sequence[str]) -> list[int]:
        """Return how many tokens each text costs as a passage."""
        return self.embedder.count_passage_tokens(texts)


def embedder_of(
    manifest: Manifest, asked_for: str | None, where: object, *, index_dir: Path | None = None
) -> "Embedder":
    """Return the model a generation was made with, to ask it.

    Args:
        manifest: of the generation.
        asked_for: the model asked for; None = ``YINZHENG_MODEL`` or the index's own.
        where: the index, for messages.
        index_dir: its folder, if it is in one.

    Raises:
        ModelMismatchError: another model was asked for, or its weights have changed.
        ModelNotFoundError: it is not on this machine.
        ModelError: it lies inside the index folder, and nobody asked for it.
    """
    from index.models import load_embedder, model_setting

    wanted = model_setting(asked_for)
    if wanted is None:
        refuse_brought_model(manifest, where, index_dir)
        wanted = manifest.model
    try:
        embedder = load_embedder(wanted)
    except ModelNotFoundError:
        if wanted == manifest.model:
            raise
        raise _mismatch(manifest, where, wanted, "which is not on this machine") from None
    made_with = (manifest.model, manifest.model_revision, manifest.dimension)
    if (embedder.name, embedder.revision, embedder.dimension) != made_with:
        described = f"revision {embedder.revision}, {embedder.dimension} dimensions"
        raise _mismatch(manifest, where, embedder.name, described)
    return embedder


def _mismatch(manifest: Manifest, where: object, name: str, described: str) -> ModelMismatchError:
    return ModelMismatchError(
        f"The index in {where} was made with {manifest.model} "
        f"(revision {manifest.model_revision}, {manifest.dimension} dimensions), "
        f"but the model in use is {name} ({described}). Leave --model and YINZHENG_MODEL unset "
        f"to use the index's own model, or build again with --model {name}."
    )


def refuse_brought_model(manifest: Manifest, where: object, index_dir: Path | None) -> None:
    """Refuse a model that came with the index: its files are a stranger's too.

    Args:
        manifest: of a generation.
        where: the index, for messages.
        index_dir: its folder, if it is in one.

    Raises:
        ModelError: it lies inside the index folder.
    """
    named = Path(manifest.model)
    # What is built here names a folder by its whole path.
    comes_along = index_dir is not None and named.resolve().is_relative_to(index_dir.resolve())
    if named.is_dir() and (comes_along or not named.is_absolute()):
        raise ModelError(
            f"The index in {where} brings a model of its own, {named}. "
            f"If you trust it, say so: YINZHENG_MODEL={shlex.quote(str(named))}"
        )


def model_of_old(setting: str | None, old: Manifest, index_dir: Path) -> ModelInUse:
    """Return the model an index was made with, to change the index with.

    Nothing is fetched that only the index names.

    Raises:
        ModelMismatchError: another one was asked for, or its weights have changed.
        ModelError: it cannot be used.
    """
    if setting is None:
        refuse_brought_model(old, index_dir, index_dir)
    model = ModelInUse(setting or old.model, old, allow_download=setting is not None)
    if not model.is_that_of_old:
        raise ModelMismatchError(
            f"The index was made with {old.model} (revision {old.model_revision}, "
            f"{old.dimension} dimensions, {old.max_tokens} tokens), but the model in use is "
            f"{model.name} (revision {model.revision}, {model.dimension} dimensions, "
            f"{model.max_tokens} tokens). Leave --model and YINZHENG_MODEL unset, or build the "
            f"index again: python -m index build PATH --model {model.name}"
        )
    return model
