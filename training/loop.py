"""Training, step by step; stopped at any moment, it goes on from the last state it has written."""

import json
import math
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import torch
from safetensors.torch import load_file, save_file

from index import EvaluationError, replace_text
from training.batches import Material, in_batches
from training.reader import Reader, loss_of

if TYPE_CHECKING:
    from torch import Tensor

_SAVED_EVERY = 240.0  # seconds
_WARM = 0.06
_STATE, _PROGRESS = "state.safetensors", "progress.json"


@dataclass(frozen=True)
class Plan:
    """How a reader is trained.

    Attributes:
        epochs: how often each question is shown.
        batch_tokens: in a step, padding counted.
        rate: of learning, at its highest.
        seed: of all chance.
    """

    epochs: int = 3
    batch_tokens: int = 4096
    rate: float = 1.5e-4
    seed: int = 1


class Training:
    """A reader on its way.

    Args:
        reader: to be trained.
        material: it learns from.
        plan: how.
        folder: for its state.
        told: called with a line now and then.
    """

    def __init__(
        self,
        reader: Reader,
        material: Material,
        plan: Plan,
        folder: Path,
        told: Callable[[str], None],
    ) -> None:
        self._reader = reader
        self._material = material
        self._plan = plan
        self._folder = folder
        self._told = told
        self._parameters = reader.trained()
        self._optimizer = torch.optim.AdamW(
            list(self._parameters.values()), lr=plan.rate, weight_decay=0.01
        )
        self.step = 0

    def run(self) -> None:
        """Train to the end of the plan."""
        self._resume()
        steps_before, total = 0, 0
        saved = time.monotonic()
        for epoch in range(self._plan.epochs):
            windows = self._material.windows(epoch, self._plan.seed)
            batches = in_batches(windows, self._plan.batch_tokens, self._plan.seed + epoch)
            total = total or len(batches) * self._plan.epochs
            self._told(f"epoch {epoch + 1}: {len(windows):,} windows, {len(batches):,} steps")
            for number, batch in enumerate(batches):
                if steps_before + number < self.step:
                    continue
                began = time.monotonic()
                loss = self._learn(batch, total)
                self.step += 1
                if self.step % 20 == 0:
                    tokens = sum(len(one.ids) for one in batch)
                    speed = tokens / (time.monotonic() - began)
                    self._told(
                        f"step {self.step:,} of about {total:,}: loss {loss:.3f}, "
                        f"{speed:,.0f} tokens/s"
                    )
                if time.monotonic() - saved > _SAVED_EVERY:
                    self.save()
                    saved = time.monotonic()
            steps_before += len(batches)
        self.save()

    def _learn(self, batch: list, total: int) -> float:  # type: ignore[type-arg]
        torch.manual_seed(self._plan.seed * 1_000_003 + self.step)
        self._reader.train()
        for group in self._optimizer.param_groups:
            group["lr"] = self._plan.rate * schedule(self.step, total)
        loss = loss_of(self._reader(batch), batch)
        self._optimizer.zero_grad(set_to_none=True)
        loss.backward()  # type: ignore[no-untyped-call]
        torch.nn.utils.clip_grad_norm_(list(self._parameters.values()), 1.0)
        self._optimizer.step()
        return float(loss.detach())

    def save(self) -> None:
        """Write the state: what is trained, and what the optimiser knows of it."""
        self._folder.mkdir(parents=True, exist_ok=True)
        held: dict[str, Tensor] = {}
        for name, parameter in self._parameters.items():
            held[f"value/{name}"] = parameter.detach().cpu().contiguous()
            for kind, one in self._optimizer.state.get(parameter, {}).items():
                held[f"{kind}/{name}"] = torch.as_tensor(one).detach().cpu().contiguous()
        beside = self._folder / f"{_STATE}.new"
        save_file(held, beside)
        beside.replace(self._folder / _STATE)
        replace_text(self._folder / _PROGRESS, json.dumps({"step": self.step}) + "\n")

    def _resume(self) -> None:
        if not (self._folder / _PROGRESS).is_file():
            return
        self.step = _steps(self._folder)
        held = load_file(self._folder / _STATE)
        with torch.no_grad():
            for name, parameter in self._parameters.items():
                parameter.copy_(held[f"value/{name}"])
                kinds = ("step", "exp_avg", "exp_avg_sq")
                known = {k: held[f"{k}/{name}"] for k in kinds if f"{k}/{name}" in held}
                if known:
                    moved = {
                        k: v if k == "step" else v.to(parameter.device) for k, v in known.items()
                    }
                    self._optimizer.state[parameter] = moved
        self._told(f"goes on from step {self.step:,}")


def read_trained(reader: Reader, *folders: Path) -> int:
    """Give a reader what trainings have come to, the mean of several; return after how many steps.

    The mean of weights that have learnt the same from the same beginning often reads better than
    either (Wortsman et al., 2022, arXiv:2203.05482).

    Raises:
        EvaluationError: there is no training in a folder.
    """
    for folder in folders:
        if not (folder / _PROGRESS).is_file():
            raise EvaluationError(
                f"There is no training in {folder}. Begin one: python -m training"
            )
    held = [load_file(folder / _STATE) for folder in folders]
    with torch.no_grad():
        for name, parameter in reader.trained().items():
            values = torch.stack([one[f"value/{name}"] for one in held])
            parameter.copy_(values.mean(0))
    return sum(_steps(folder) for folder in folders)


def _steps(folder: Path) -> int:
    return int(json.loads((folder / _PROGRESS).read_text("utf-8"))["step"])


def schedule(step: int, total: int) -> float:
    """Return the share of the highest rate at a step: up quickly, then down along a cosine."""
    warm = max(1, round(_WARM * total))
    if step < warm:
        return (step + 1) / warm
    done = min(1.0, (step - warm) / max(1, total - warm))
    return 0.02 + 0.98 * (1 + math.cos(math.pi * done)) / 2
