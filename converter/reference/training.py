"""The two calls that most users of the interpreter need: train a model on one batch, and run it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from converter.reference.session import Session

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from converter.ir import Model
    from converter.reference.call import Array


@dataclass(frozen=True)
class TrainResult:
    """Losses per step, the outputs of every step, and the session with the trained constants."""

    losses: list[list[float]]
    steps: list[dict[str, Array]]
    session: Session

    @property
    def constants(self) -> dict[str, Array]:
        """The constants after the last step, by tensor name."""
        return self.session.constants()


def train(
    model: Model,
    inputs: Mapping[str, Array] | Sequence[Array],
    steps: int,
    after_step: Callable[[int, list[float]], None] | None = None,
) -> TrainResult:
    """Train on one fixed batch. `inputs` by position or by name; `after_step(step, losses)` reports progress.

    Raises `ConversionError`: E602 when the device would refuse the model, E601 when the inputs do not fit it.
    """
    session = Session(model)
    losses: list[list[float]] = []
    outputs: list[dict[str, Array]] = []
    for step in range(steps):
        result = session.step(inputs)
        losses.append(result.losses)
        outputs.append(result.outputs)
        if after_step is not None:
            after_step(step, result.losses)
    return TrainResult(losses, outputs, session)


def run(model: Model, inputs: Mapping[str, Array] | Sequence[Array]) -> dict[str, Array]:
    """Run a model once without updates; its outputs by tensor name, in the order of the file.

    A model that trains is evaluated: the outputs are its predictions, and labels need not be given.
    """
    return Session(model).predict(inputs)
