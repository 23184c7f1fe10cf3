"""The order of the passes, one tuple per stage."""

from __future__ import annotations

from converter.passes.adapt.assigned_weights import train_assigned_weights
from converter.passes.adapt.float_counters import keep_counters_as_float
from converter.passes.adapt.learning_rates import compose_learning_rates
from converter.passes.adapt.live_operands import keep_operands_live
from converter.passes.adapt.loss_scale import hold_loss_scale
from converter.passes.adapt.operators import adapt_operators
from converter.passes.adapt.stored_values import read_stored_values
from converter.passes.base import Modes, Pass
from converter.passes.check.device import check_device_rules
from converter.passes.fold.constants import fold_constants
from converter.passes.fold.equal_nodes import merge_equal_nodes
from converter.passes.fold.scale_shift import fuse_scale_and_shift
from converter.passes.fuse.rules import FUSIONS, FUSIONS_AFTER_LAYOUT
from converter.passes.interface.types import set_interface_types
from converter.passes.layout.channels_last import channels_last
from converter.passes.layout.formats import settle_formats
from converter.passes.normalize.control_flow import resolve_control_flow
from converter.passes.normalize.dead_code import remove_dead_code
from converter.passes.normalize.fake_quantization import take_trained_scales
from converter.passes.normalize.input_shapes import set_input_shapes
from converter.passes.normalize.kind import require_inference, require_training_step
from converter.passes.normalize.side_effects import order_side_effects
from converter.passes.normalize.types import narrow_types
from converter.passes.schedule.branches import finish_branches
from converter.passes.schedule.names import name_everything
from converter.passes.schedule.order import schedule

PIPELINE: tuple[Pass, ...] = (
    Pass("require-training-step", require_training_step, Modes.TRAINING),
    Pass("require-inference", require_inference, Modes.INFERENCE),
    Pass("resolve-control-flow", resolve_control_flow),
    Pass("set-input-shapes", set_input_shapes, after=("resolve-control-flow",)),
    Pass("order-side-effects", order_side_effects, after=("resolve-control-flow",)),
    Pass("hold-loss-scale", hold_loss_scale, Modes.TRAINING, after=("order-side-effects",)),
    Pass("remove-dead-code", remove_dead_code, after=("order-side-effects",)),
    Pass("narrow-types", narrow_types),
    Pass("keep-counters-as-float", keep_counters_as_float, after=("narrow-types",)),
    Pass("take-trained-scales", take_trained_scales, Modes.INFERENCE, after=("order-side-effects", "narrow-types")),
    Pass("adapt-operators", adapt_operators, after=("order-side-effects", "narrow-types")),
    Pass("drop-unread-results", remove_dead_code, after=("adapt-operators",)),
    Pass("read-stored-values", read_stored_values, after=("adapt-operators",)),
    Pass("keep-operands-live", keep_operands_live, Modes.TRAINING, after=("adapt-operators",)),
    Pass("fold-constants", fold_constants, after=("adapt-operators",), optional=True),
    Pass("train-assigned-weights", train_assigned_weights, Modes.TRAINING, after=("read-stored-values",)),
    Pass("compose-learning-rates", compose_learning_rates, Modes.TRAINING, after=("train-assigned-weights",)),
    Pass("merge-equal-nodes", merge_equal_nodes, Modes.TRAINING, after=("compose-learning-rates",), optional=True),
    Pass("fuse-scale-and-shift", fuse_scale_and_shift, Modes.TRAINING, after=("adapt-operators",), optional=True),
    Pass("set-interface-types", set_interface_types, after=("fold-constants",)),
    *FUSIONS,
    Pass("channels-last", channels_last, after=("adapt-operators",)),
    *FUSIONS_AFTER_LAYOUT,
    Pass("fold-constant-images", fold_constants, after=("channels-last",), optional=True),
    Pass("finish-branches", finish_branches, Modes.INFERENCE, after=("channels-last",)),
    Pass("settle-formats", settle_formats, after=("channels-last",)),
    Pass("schedule", schedule, after=("order-side-effects", "adapt-operators")),
    Pass("name-everything", name_everything, after=("channels-last", "schedule")),
    Pass("check-device-rules", check_device_rules, after=("name-everything",)),
)
