"""One test for each way in which the official converter crashes (C…) or is silently wrong (S…), named for its symptom.

Rows about quantization (S14, C10) are tested in tests/quantize.
"""

from __future__ import annotations

import os
import subprocess
import sys
from collections import Counter
from pathlib import Path

import numpy as np
import pytest
from support.graphs import constant, literal, model, node, numbered, value
from support.refusals import refusals
from support.zoo import ROOT, Recording

from converter.api import convert
from converter.config import parse_config
from converter.errors import ConversionError
from converter.ir import DType, Layout, Model, Node, Stage
from converter.ops.lite_ops import OPTIMIZERS
from converter.options import ConvertOptions
from converter.passes.base import Modes
from converter.passes.pipeline import PIPELINE
from converter.passes.runner import run_passes
from converter.passes.schedule.order import hazards

PERMUTATION_OF_FOUR = 4


def trained(case: str, version: str = "ms200") -> Model:
    return convert(Recording(version, case).model, ConvertOptions(train=True)).model


def converted(source: Model, modes: Modes = Modes.INFERENCE) -> Model:
    run_passes(source, [each for each in PIPELINE if not each.name.startswith("require")], modes=modes)
    return source


def of_kind(converted_model: Model, op: str) -> list[Node]:
    return [each for each in converted_model.main.nodes if each.op == op]


# -- silently wrong -------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("version", ["ms200", "ms270"])
def test_s1_a_learning_rate_schedule_is_not_frozen_at_its_first_value(version: str) -> None:
    steps = trained("opt_lr_list", version)
    tables = [each for each in of_kind(steps, "Gather") if each.inputs[0].const is not None]
    assert len(tables) == 1
    counter = "global_step"
    assert any(each.inputs[0].name == counter for each in of_kind(steps, "Assign"))
    assert tables[0].inputs[1].producer is not None  # the index is computed in every step


def test_s2_transposes_have_the_rank_of_what_they_transpose() -> None:
    for each in of_kind(trained("opt_lr_list"), "Transpose"):
        order = each.inputs[1].const
        assert order is not None
        assert order.size == each.inputs[0].type.rank == PERMUTATION_OF_FOUR


def test_s3_resumed_optimizer_slots_have_the_layout_of_their_weight() -> None:
    for each in of_kind(trained("resumed_momentum"), "ApplyMomentum"):
        weight, slot = each.inputs[:2]
        assert (slot.type, slot.layout) == (weight.type, weight.layout)
    kernels = [each for each in of_kind(trained("resumed_momentum"), "ApplyMomentum") if each.inputs[0].type.rank == 4]
    assert all(each.inputs[1].layout is Layout.KHWC for each in kernels)
    assert kernels


def test_s4_gradients_of_dilated_convolutions_have_the_dilation() -> None:
    steps = trained("layer_conv_dilated")
    gradients = of_kind(steps, "Conv2DBackpropFilterFusion") + of_kind(steps, "Conv2DBackpropInputFusion")
    assert (2, 2) in {each.attrs["dilation"] for each in gradients}
    assert all(len(each.attrs["dilation"]) == 2 for each in gradients)  # type: ignore[arg-type]


def test_s5_a_half_precision_output_does_not_become_a_single_one_without_a_word() -> None:
    x = value("x", 2, 3)
    cast = node("Cast", [x, literal(int(DType.FLOAT16))], [value("half", 2, 3, dtype=DType.FLOAT16)])
    made = converted(model([cast], [x], cast.outputs, Stage.SOURCE))
    assert made.main.outputs[0].type.dtype is DType.FLOAT32
    assert [note.message for note in made.notes] == ["'half' is float32 instead of float16"]


def test_s6_s8_changed_layouts_and_types_of_inputs_are_reported() -> None:
    notes = [note.message for note in trained("lenet_momentum_sparse").notes]
    assert any("is fed as NHWC" in note for note in notes)
    x = value("x", 2, 3, dtype=DType.INT64)
    flat = node("Reshape", [x, literal((6,))], [value("flat", 6, dtype=DType.INT64)])
    made = converted(model([flat], [x], flat.outputs, Stage.SOURCE))
    assert made.main.inputs[0].type.dtype is DType.INT32
    assert any("'x' is int32 instead of int64" in note.message for note in made.notes)


def test_s7_an_unused_input_stays_in_its_place() -> None:
    unused, x = value("unused", 2, 3), value("x", 5, 7)
    relu = node("ReLU", [x])
    made = converted(model([relu], [unused, x], relu.outputs, Stage.SOURCE))
    assert [each.name for each in made.main.inputs] == ["unused", "x"]


def test_s9_names_do_not_depend_on_addresses() -> None:
    command = [sys.executable, "-c", "import sys, test_symptoms as t; sys.stdout.write(t.printed('step_if'))"]
    texts = []
    for seed in ("1", "2"):
        paths = [str(ROOT), str(ROOT / "tests")]
        environment = {**os.environ, "PYTHONHASHSEED": seed, "PYTHONPATH": os.pathsep.join(paths)}
        texts.append(subprocess.run(command, env=environment, capture_output=True, text=True, check=True).stdout)
    assert texts[0] == texts[1] != ""


def printed(case: str) -> str:
    """Names of nodes and tensors of a converted case."""
    nodes = trained(case).main.nodes
    return "\n".join(f"{each.name} {[v.name for v in (*each.inputs, *each.outputs)]}" for each in nodes)


def test_s10_branches_have_shapes_and_become_plain_nodes() -> None:
    steps = trained("step_if")
    assert len(steps.graphs) == 1
    assert not {"PartialFusion", "Switch", "Call"} & {each.op for each in steps.main.nodes}
    assert all(output.type.is_static for each in steps.main.nodes for output in each.outputs)


def test_s11_a_constant_of_equal_elements_stays_a_constant() -> None:
    x = value("x", 23, 29)
    add = node("Add", [x, constant("ones", 23, 29)], [value("sum", 23, 29)])
    made = converted(model([add], [x], add.outputs, Stage.SOURCE), Modes.TRAINING)
    assert [each.op for each in made.main.nodes] == ["AddFusion"]


def test_s12_argmin_returns_its_value() -> None:
    x = value("x", 3, 5)
    outputs = [value("index", 3, dtype=DType.INT32), value("least", 3)]
    least = node("ArgMinWithValue", [x], outputs, {"axis": 1, "keep_dims": False})
    made = converted(model([least], [x], outputs, Stage.SOURCE))
    ops = Counter(each.op for each in made.main.nodes)
    assert any(each.attrs.get("out_max_value") for each in made.main.nodes) or ops["ReduceFusion"]


def test_s12_a_volume_convolution_keeps_its_attributes() -> None:
    ops = {each.op for each in trained("layer_conv3d").main.nodes}
    assert "Custom" not in ops
    assert "Conv2DFusion" in ops


def test_s13_the_flag_must_fit_the_model() -> None:
    step, network = Recording("ms200", "lenet_momentum_sparse").model, Recording("ms200", "lenet_infer").model
    (problem,) = refusals(lambda: convert(step, ConvertOptions(train=False)))
    assert problem.code == "E207"
    assert "--trainModel=true" in (problem.hint or "")
    (problem,) = refusals(lambda: convert(network, ConvertOptions(train=True)))
    assert problem.code == "E207"


@pytest.mark.parametrize("case", ["lenet_momentum_sparse", "opt_asgd", "step_clip_global_norm", "layer_lstm"])
def test_s15_no_variable_is_read_after_it_was_overwritten(case: str) -> None:
    assert hazards(trained(case).main) == []


def test_s16_adam_with_weight_decay_updates_through_an_optimizer_the_device_knows() -> None:
    steps = trained("opt_adamweightdecay")
    assert not of_kind(steps, "AdamWeightDecay")
    updated = {each.inputs[0].name for each in steps.main.nodes if each.op in OPTIMIZERS}
    assert {"conv.weight", "conv.bias", "fc.weight", "fc.bias"} <= updated


@pytest.mark.parametrize("version", ["ms200", "ms270"])
def test_s17_no_transpose_is_left_that_nobody_reads(version: str) -> None:
    steps = trained("lenet_momentum_sparse", version)
    read = {id(each) for made in steps.main.nodes for each in made.inputs}
    assert all(id(each.outputs[0]) in read for each in of_kind(steps, "Transpose"))


@pytest.mark.parametrize(
    "text",
    [
        "quant_type=WEIGHT_QUANT\n",
        "[Common_Quant_Param]\nquant_type=WEIGHT_QUANT\n",
        "[common_quant_param\nbit_num=8\n",
    ],
)
def test_s18_a_config_that_says_nothing_to_the_official_tool_is_a_problem(text: str) -> None:
    with pytest.raises(ConversionError):
        parse_config(text, Path("quant.cfg"))


# -- crashes --------------------------------------------------------------------------------------------------------


def test_c1_unknown_operators_are_reported_together() -> None:
    x = value("x", 2, 3)
    first = node("Frobnicate", [x])
    second = node("Defenestrate", first.outputs)
    found = refusals(lambda: converted(model([first, second], [x], second.outputs, Stage.SOURCE)))
    assert [problem.code for problem in found] == ["E201", "E201"]
    assert [problem.op for problem in found] == ["Frobnicate", "Defenestrate"]


@pytest.mark.parametrize("case", ["loss_ce", "loss_bce_logits", "opt_adamweightdecay", "opt_rmsprop"])
@pytest.mark.parametrize("version", ["ms200", "ms270"])
def test_c1_c2_c3_c5_what_crashes_the_official_converter_converts(case: str, version: str) -> None:
    assert of_kind(trained(case, version), "SGD" if case.startswith("opt") else "ApplyMomentum")


def test_c4_a_resize_without_size_is_refused_where_it_stands() -> None:
    x = value("x", 2, 3, 5, 7)
    resize = node("ResizeBilinear", [x], [value("y", 2, 3, -1, -1)], {"align_corners": False})
    (problem,) = refusals(lambda: converted(model([resize], [x], resize.outputs, Stage.SOURCE)))
    assert problem.node == "ResizeBilinear"
    assert problem.code in ("E202", "E204")


def test_c6_a_dense_layer_with_a_batch_that_is_not_known_converts() -> None:
    x = value("x", -1, 5)
    product = node("MatMul", [x, constant("w", 3, 5)], [value("y", -1, 3)], {"transpose_b": True})
    biased = node("BiasAdd", [product.outputs[0], constant("b", 3)], [value("z", -1, 3)])
    made = converted(model([product, biased], [x], biased.outputs, Stage.SOURCE))
    assert [each.op for each in made.main.nodes] == ["MatMulFusion"]
    assert made.main.outputs[0].type.shape == (-1, 3)


def test_c7_decay_and_loss_scale_with_strided_depthwise_and_batchnorm() -> None:
    assert trained("layer_conv_depthwise_stride").main.nodes
    assert trained("opt_momentum_decay_scale").main.nodes


def test_c9_plugins_are_refused_by_name(tmp_path: Path) -> None:
    (tmp_path / "plugin.so").touch()
    config = parse_config("[registry]\nplugin_path=plugin.so\n", tmp_path / "quant.cfg")
    (problem,) = config.refusals()
    assert problem.code == "E116"
    assert "plugin" in problem.message


def test_c8_64_bit_numbers_are_narrowed_and_what_does_not_fit_is_refused() -> None:
    x = value("x", 2, 3, dtype=DType.FLOAT64)
    relu = node("ReLU", [x])
    assert converted(model([relu], [x], relu.outputs, Stage.SOURCE)).main.inputs[0].type.dtype is DType.FLOAT32
    wide = np.array([1 << 40, 1], np.int64)
    x = value("x", 2, dtype=DType.INT64)
    add = node("Add", [x, numbered("big", wide)])
    (problem,) = refusals(lambda: converted(model([add], [x], add.outputs, Stage.SOURCE)))
    assert problem.code == "E203"
