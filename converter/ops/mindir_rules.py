"""One row per MindIR operator: what it becomes. An operator without a row cannot be converted.

Sources: MindSpore's operator definitions for the attributes, the `.ms` schema for the fields.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from converter.ops.rule import (
    NCHW_ONLY,
    PAD_MODES,
    REDUCTIONS,
    AttrRule,
    Rule,
    enum,
    ignore,
    keep,
    listed,
    pair,
    rename,
    require,
    sized,
)

if TYPE_CHECKING:
    from collections.abc import Mapping

# Bookkeeping of MindSpore's compiler on any primitive; it says nothing about the computation.
IGNORED_EVERYWHERE = frozenset(
    {
        "side_effect_mem",
        "side_effect_io",
        "side_effect_propagate",
        "is_load",
        "primitive_function",
        "primitive_target",
        "target",
        "instance_name",
        "visited",
        "no_eliminate",
        "keep_alive",
        "IsFeatureMapInputList",
        "IsFeatureMapOutput",
        "forward_unique_id",
        "unique_id",
        "cell_reuse",
        "_loss",
    },
)

_NHWC = {"format": 1}
_SIDES = {"kernel_size": AttrRule("kernel_size", pair)}
_CONV = {
    **NCHW_ONLY,
    **_SIDES,
    **keep("mode", "group", "out_channel", "pad_list"),
    **enum(pad_mode=PAD_MODES),
    **sized("stride", "dilation"),
    **ignore("pad", "groups"),
}
_POOL = {**NCHW_ONLY, **sized("kernel_size", "strides"), **enum(pad_mode=PAD_MODES)}
_MATMUL = {**keep("transpose_a", "transpose_b"), **ignore("transpose_x1", "transpose_x2")}
_REDUCE = keep("keep_dims")


def _activation(kind: int, **attrs: AttrRule) -> Rule:
    return Rule("Activation", attrs, {"activation_type": kind})


def _gradient(kind: int, **attrs: AttrRule) -> Rule:
    return Rule("ActivationGrad", attrs, {"activation_type": kind})


def _reduce(mode: int) -> Rule:
    return Rule(
        "ReduceFusion", {**_REDUCE, **require(skip_mode=(False,))}, {"mode": mode, "coeff": 1.0}, adapter="reduce"
    )


RULES: Mapping[str, Rule] = {
    # Layers
    "Conv2D": Rule("Conv2DFusion", _CONV, _NHWC, adapter="convolution"),
    "Conv2DBackpropFilter": Rule("Conv2DBackpropFilterFusion", _CONV, _NHWC, adapter="filter_gradient"),
    "Conv2DBackpropInput": Rule("Conv2DBackpropInputFusion", _CONV, _NHWC, adapter="input_gradient"),
    "BiasAdd": Rule("BiasAdd", NCHW_ONLY),
    "BiasAddGrad": Rule("BiasAddGrad", NCHW_ONLY),
    "MaxPool": Rule("MaxPoolFusion", _POOL, _NHWC),
    "MaxPoolGrad": Rule("MaxPoolGrad", _POOL, _NHWC),
    "AvgPool": Rule("AvgPoolFusion", _POOL, _NHWC),
    "MatMul": Rule("MatMulFusion", _MATMUL),
    "BatchMatMul": Rule("MatMulFusion", _MATMUL),
    # Activations
    "ReLU": _activation(1),
    "Sigmoid": _activation(2),
    "ReLU6": _activation(3),
    "Tanh": _activation(10),
    "ReluGrad": _gradient(1),
    "SigmoidGrad": _gradient(2),
    "ReLU6Grad": _gradient(3),
    "TanhGrad": _gradient(10),
    # Arithmetic
    "Abs": Rule("Abs"),
    "Add": Rule("AddFusion"),
    "AddN": Rule("AddN", ignore("n")),
    "Exp": Rule("ExpFusion"),
    "Log": Rule("Log"),
    "Mul": Rule("MulFusion"),
    "Neg": Rule("Neg"),
    "RealDiv": Rule("RealDiv"),
    "Rsqrt": Rule("Rsqrt"),
    "Sqrt": Rule("Sqrt"),
    "Square": Rule("Square"),
    "Sub": Rule("SubFusion"),
    "ReduceMean": _reduce(0),
    "ReduceMax": _reduce(1),
    "ReduceMin": _reduce(2),
    "ReduceSum": _reduce(4),
    # Shapes
    "Cast": Rule("Cast", ignore("dst_type", "DstT", "SrcT"), adapter="cast"),
    "ExpandDims": Rule("ExpandDims"),
    "Flatten": Rule("Flatten", sets={"axis": 1}),
    "Reshape": Rule("Reshape"),
    "Squeeze": Rule("Squeeze", listed("axis")),
    "Tile": Rule("TileFusion"),
    "Transpose": Rule("Transpose"),
    # Losses
    "Softmax": Rule("Softmax", listed("axis")),
    "SoftmaxCrossEntropyWithLogits": Rule("SoftmaxCrossEntropyWithLogits", adapter="one_hot_cross_entropy"),
    "SparseSoftmaxCrossEntropyWithLogits": Rule(
        "SparseSoftmaxCrossEntropyWithLogits", {**keep("is_grad"), **require(sens=(1.0,))}, adapter="scalar_loss"
    ),
    "BinaryCrossEntropy": Rule("BinaryCrossEntropy", enum(reduction=REDUCTIONS)),
    # Optimizers and variables
    "Adam": Rule("Adam", keep("use_locking", "use_nesterov"), writes=(0, 1, 2), adapter="optimizer"),
    "ApplyMomentum": Rule(
        "ApplyMomentum",
        {**keep("use_nesterov", "use_locking"), **rename(gradient_scale="gradient_scale")},
        writes=(0, 1),
        adapter="momentum",
    ),
    "SGD": Rule("SGD", keep("nesterov", "dampening", "weight_decay"), writes=(0, 3, 5), adapter="optimizer"),
    "Assign": Rule("Assign", writes=(0,), adapter="optimizer"),
    "AssignAdd": Rule("Assign", writes=(0,), adapter="assign_add"),
}
