"""The order of the passes, one tuple per stage."""

from __future__ import annotations

from converter.passes.adapt.operators import adapt_operators
from converter.passes.base import Modes, Pass
from converter.passes.fold.constants import fold_constants
from converter.passes.layout.channels_last import channels_last
from converter.passes.normalize.dead_code import remove_dead_code
from converter.passes.normalize.kind import require_inference, require_training_step
from converter.passes.normalize.side_effects import order_side_effects
from converter.passes.normalize.types import narrow_types
from converter.passes.schedule.names import name_everything
from converter.passes.schedule.order import schedule

PIPELINE: tuple[Pass, ...] = (
    Pass("require-training-step", require_training_step, Modes.TRAINING),
    Pass("require-inference", require_inference, Modes.INFERENCE),
    Pass("order-side-effects", order_side_effects),
    Pass("remove-dead-code", remove_dead_code, after=("order-side-effects",)),
    Pass("narrow-types", narrow_types),
    Pass("adapt-operators", adapt_operators, after=("order-side-effects", "narrow-types")),
    Pass("fold-constants", fold_constants, after=("adapt-operators",), optional=True),
    Pass("channels-last", channels_last, after=("adapt-operators",)),
    Pass("schedule", schedule, after=("order-side-effects", "adapt-operators")),
    Pass("name-everything", name_everything, after=("channels-last", "schedule")),
)
