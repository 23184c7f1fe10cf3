"""Normalizations that are written out become the kernel of LayerNorm, which normalizes trailing axes.

Its scale and offset may belong to fewer axes than it normalizes, so a group norm needs no more constants than a layer
norm, and one of a single group, channels last, is a layer norm with the scale and offset of the channels.
"""

from __future__ import annotations

from math import prod
from typing import TYPE_CHECKING

import numpy as np

from converter.ir import DType, FilledTensor, TensorType, Value
from converter.ops.context import constant, integers_of
from converter.ops.layouts import RANK, TO_NCHW, TO_NHWC
from converter.ops.lite_fields import lite_node
from converter.passes.fuse.steps import SCALES, SHIFTS, Step, activation_of, scaled, step_of
from converter.passes.pattern import Anything, Constant, Either, Match, Number, number_of, op
from converter.passes.rewrite import Refusal, Replacement, Rule

if TYPE_CHECKING:
    from converter.ir import Attr

X = Anything("x")
_RESHAPES = "Reshape|Flatten|Squeeze|ExpandDims|Unsqueeze"
_MEAN, _SUM = 0, 4
# The kernel adds squares up in single precision; beyond, the variance loses more digits than the formula does.
_MOST_NUMBERS = 1 << 16
_MOST_PARAMETERS = 1 << 10


def normalize_trailing_axes(match: Match) -> Replacement | Refusal:
    """Normalize by one kernel: `(x - mean(x)) / √(mean((x - mean(x))²) + ε)` over trailing axes."""
    x, epsilon = match.value("x"), number_of(match.value("epsilon"))
    axes = [_trailing(match.value(label), x) for label in ("axes", "squares_axes")]
    if not x.type.is_static or x.type.shape is None or epsilon is None or axes[0] is None or axes[0] != axes[1]:
        return Refusal()
    start, shape = axes[0], x.type.shape
    count = prod(shape[start:])
    if "count" in match.values and number_of(match.value("count")) not in (float(count), float(np.float32(1 / count))):
        return Refusal()
    if count > _MOST_NUMBERS:
        return Refusal("it normalizes more numbers at once than the kernel adds up exactly")
    columns = max(size for size in range(1, min(shape[-1], _MOST_PARAMETERS) + 1) if shape[-1] % size == 0)
    parts = shape if columns == shape[-1] else (*shape[:-1], shape[-1] // columns, columns)
    name, origin = match.root.name, match.root.origin.derived("layer-norm")
    numbers = [_filled(f"{name}/gamma", columns, 1.0), _filled(f"{name}/beta", columns, 0.0)]
    attrs: dict[str, Attr] = {"begin_norm_axis": start, "begin_params_axis": len(parts) - 1, "epsilon": epsilon}
    attrs["elementwise_affine"] = True
    if parts == shape:
        return Replacement("LayerNormFusion", [x, *numbers], attrs, anchor=match.root)
    cut, normal = (Value(f"{name}/{what}", TensorType(x.type.dtype, parts)) for what in ("parts", "normal"))
    before = (
        lite_node("Reshape", cut.name, origin, [x, _numbers(f"{name}/cut", parts)], [cut]),
        lite_node("LayerNormFusion", normal.name, origin, [cut, *numbers], [normal], attrs),
    )
    return Replacement("Reshape", [normal, _numbers(f"{name}/shape", shape)], {}, anchor=match.root, before=before)


def _filled(name: str, size: int, number: float) -> Value:
    """A constant of the same number everywhere."""
    tensor = FilledTensor(DType.FLOAT32, (size,), number)
    return Value(name, tensor.type, const=tensor)


def _numbers(name: str, numbers: tuple[int, ...]) -> Value:
    """A shape or an order."""
    return constant(name, np.array(numbers, np.int32))


def _trailing(axes: Value, x: Value) -> int | None:
    """The first of some axes if they are the last ones of `x`."""
    rank, numbers = x.type.rank or 0, integers_of(axes)
    if not numbers or any(not -rank <= axis < rank for axis in numbers):
        return None
    places = sorted(axis % rank for axis in numbers)
    return places[0] if places == list(range(places[0], rank)) else None


def scale_layer_norm(match: Match) -> Replacement | Refusal:
    """Let LayerNorm apply a scale or an offset to its result."""
    node, root = match.node("norm"), match.root
    shape = node.outputs[0].type.shape or ()
    step = step_of(root, node.outputs[0], len(shape) - 1)
    plain = node.attrs.get("begin_params_axis") == len(shape) - 1 and len(node.outputs) == 1
    if step is None or not plain or activation_of(root):
        return Refusal()
    x, gamma, beta = node.inputs
    if gamma.const is None or beta.const is None or gamma.const.shape != shape[-1:]:
        return Refusal()
    parameters = [scaled(gamma, step.factors), scaled(beta, step.factors, step.offset)]
    return Replacement(node.op, [x, *parameters], node.attrs, anchor=node)


def single_group(match: Match) -> Replacement | Refusal:
    """Normalize an image as a whole, channels last: there the kernel takes the scales and offsets of channels."""
    x, node, root = match.value("x"), match.node("norm"), match.root
    shape, inner = x.type.shape or (), node.inputs[0].type.shape or ()
    start = int(str(node.attrs.get("begin_norm_axis")))
    is_image = len(shape) == RANK and x.type.is_static and root.outputs[0].type == x.type
    is_plain = _is_plain(node.inputs[1], 1.0) and _is_plain(node.inputs[2], 0.0) and not activation_of(root)
    if not is_image or not is_plain or prod(inner[:start]) != shape[0]:
        return Refusal()
    step = step_of(root, match.value("again"), 1)
    if step is None:
        return Refusal()
    origin, name = root.origin.derived("single-group"), root.name
    last = TensorType(x.type.dtype, tuple(shape[axis] for axis in TO_NHWC))
    image, normal = Value(f"{name}/nhwc", last), Value(f"{name}/normal", last)
    attrs = {**node.attrs, "begin_norm_axis": 1, "begin_params_axis": RANK - 1}
    before = (
        lite_node("Transpose", image.name, origin, [x, _numbers(f"{name}/to_nhwc", TO_NHWC)], [image]),
        lite_node("LayerNormFusion", normal.name, origin, [image, *_parameters(step, name, shape[1])], [normal], attrs),
    )
    return Replacement("Transpose", [normal, _numbers(f"{name}/to_nchw", TO_NCHW)], {}, anchor=root, before=before)


def divide_by_root(match: Match) -> Replacement | Refusal:
    """Divide by the root: `a * rsqrt(b)` is `a / √b`, and the kernel of Rsqrt is right to four digits only."""
    b, root = match.value("b"), match.root
    made = Value(f"{root.name}/root", b.type, layout=b.layout)
    before = lite_node("Sqrt", made.name, root.origin.derived("divide-by-root"), [b], [made])
    is_plain = not activation_of(root) and b.type.dtype is DType.FLOAT32
    return (
        Replacement("RealDiv", [match.value("a"), made], {}, anchor=root, before=(before,)) if is_plain else Refusal()
    )


def _parameters(step: Step, name: str, channels: int) -> list[Value]:
    """Scales and offsets of channels."""
    pairs = (("gamma", step.factors), ("beta", step.offset))
    return [constant(f"{name}/{what}", np.broadcast_to(each, (channels,)).astype(np.float32)) for what, each in pairs]


def _is_plain(value: Value, number: float) -> bool:
    """Whether a constant is the same number everywhere."""
    return value.const is not None and bool(np.all(value.const.array() == np.float32(number)))


_MEAN_OF_X = op("ReduceFusion", X, Constant("axes"), mode=_MEAN, keep_dims=True)
_DISTANCE = op("SubFusion", X, _MEAN_OF_X, label="distance", activation_type=0)
_SQUARES = Either(
    (
        op("Square", _DISTANCE),
        op("SquaredDifference", X, _MEAN_OF_X),
        op("MulFusion", _DISTANCE, _DISTANCE),
        op("PowFusion", _DISTANCE, Number(2.0), scale=1.0, shift=0.0),
    )
)
_TOTAL = op("ReduceFusion", _SQUARES, Constant("squares_axes"), mode=_SUM, keep_dims=True)
_VARIANCE = Either(
    (
        op("ReduceFusion", _SQUARES, Constant("squares_axes"), mode=_MEAN, keep_dims=True),
        op("RealDiv|DivFusion", _TOTAL, Constant("count")),
        op("MulFusion", _TOTAL, Constant("count"), swaps=True),
    )
)
_WITH_EPSILON = op("AddFusion", _VARIANCE, Constant("epsilon"), swaps=True, activation_type=0)
_AGAIN = op(
    _RESHAPES,
    op("LayerNormFusion", op(_RESHAPES, X, has_more=True), Constant(), Constant(), label="norm"),
    label="again",
    has_more=True,
)
_INVERSE_ROOT = Either((op("Rsqrt", Anything("b")), op("Reciprocal", op("Sqrt", Anything("b")))))
RULES = (
    Rule(
        "layer-norm",
        Either(
            (
                op("RealDiv|DivFusion", _DISTANCE, op("Sqrt", _WITH_EPSILON)),
                op("MulFusion", _DISTANCE, op("Rsqrt", _WITH_EPSILON), swaps=True),
                op("MulFusion", _DISTANCE, op("Reciprocal", op("Sqrt", _WITH_EPSILON)), swaps=True),
            )
        ),
        normalize_trailing_axes,
        ("OnnxLayerNormFusion", "OnnxLayerNormFusion2", "TfNormFusion", "GroupNormFusion"),
    ),
    Rule("single-group", op("ScaleFusion", _AGAIN, Constant(), Constant()), single_group, ("GroupNormFusion",)),
    Rule(
        "scale-layer-norm",
        op(f"{SCALES}|{SHIFTS}", op("LayerNormFusion", label="norm"), Constant(), swaps=True, has_more=True),
        scale_layer_norm,
    ),
    Rule("divide-by-root", op("MulFusion", Anything("a"), _INVERSE_ROOT, swaps=True), divide_by_root),
)
