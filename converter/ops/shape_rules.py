"""Shapes of results from shapes of inputs, per MindIR operator: for models whose inputs get other dimensions.

MindIR says every shape itself, so rules are needed only where it says "unknown". A rule returns a shape per output, in
which -1 is not known; None leaves an output as it is. What does not fit raises `ValueError`.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from math import prod
from typing import TYPE_CHECKING, TypeAlias

from converter.ops.adapters.slicing import MASKS, cuts_of
from converter.ops.broadcasting import broadcast_shape, rows_of, unknown_count
from converter.ops.context import integers_of, literal_of
from converter.ops.lite_ops import LITE_OPS
from converter.ops.rules import RULES, activations
from converter.ops.shape_rules_images import IMAGE_RULES

if TYPE_CHECKING:
    from converter.ir import Node

Shape: TypeAlias = tuple[int, ...]
ShapeRule: TypeAlias = Callable[["Node"], "Sequence[Shape | None]"]


def shape_rule(op: str) -> ShapeRule | None:
    """How the results of a MindIR operator follow from its inputs; None where that is not known."""
    row = RULES.get(op)
    if op in _RULES:
        return _RULES[op]
    if op in activations.RULES:
        return first
    lite = LITE_OPS.get(row.lite) if row is not None and row.lite else None
    return broadcast if lite is not None and lite.follows else None


def shape_of(node: Node, index: int) -> Shape:
    """The shape of an input; `ValueError` when not even its rank is known."""
    found = node.inputs[index].type.shape
    if found is None:
        message = f"the rank of {node.inputs[index].name!r} is not known"
        raise ValueError(message)
    return found


def integers(node: Node, index: int) -> Shape:
    """An argument of integers; `ValueError` when the graph computes it."""
    found = integers_of(node.inputs[index]) if index < len(node.inputs) else None
    if found is None:
        message = f"input {index} is computed by the graph"
        raise ValueError(message)
    return found


def number(node: Node, name: str, default: int, place: int | None = None) -> int:
    """An integer, which newer files have as an input."""
    value = node.attrs.get(name)
    if value is None and place is not None and place < len(node.inputs):
        value = literal_of(node.inputs[place])
    flat = value[0] if isinstance(value, tuple) and len(value) == 1 else value
    return int(flat) if isinstance(flat, (int, float)) else default


def first(node: Node) -> list[Shape | None]:
    """The shape of the first input."""
    return [shape_of(node, 0), *([None] * (len(node.outputs) - 1))]


def broadcast(node: Node) -> list[Shape | None]:
    """All inputs broadcast to one shape."""
    return [broadcast_shape(*(shape_of(node, index) for index in range(len(node.inputs))))]


def matrix_product(node: Node) -> list[Shape | None]:
    """MatMul, BatchMatMul (a, b), with their transpositions."""
    a, b = list(shape_of(node, 0)), list(shape_of(node, 1))
    if len(a) == 1 or len(b) == 1:
        return [(*b[:-2], b[-1]) if len(a) == 1 and len(b) > 1 else tuple(a[:-1])]
    if node.attrs.get("transpose_a"):
        a[-2:] = a[:-3:-1]
    if node.attrs.get("transpose_b"):
        b[-2:] = b[:-3:-1]
    if a[-1] != b[-2] and min(a[-1], b[-2]) >= 0:
        message = f"multiplies {a[-1]} columns by {b[-2]} rows"
        raise ValueError(message)
    return [(*broadcast_shape(a[:-2], b[:-2]), a[-2], b[-1])]


def dense(node: Node) -> list[Shape | None]:
    """Dense(x, weight, bias)."""
    return [(*shape_of(node, 0)[:-1], shape_of(node, 1)[0])]


def reshape(node: Node) -> list[Shape | None]:
    """Reshape(x, shape), the shape whole or number by number."""
    shape, target = shape_of(node, 0), [dim for index in range(1, len(node.inputs)) for dim in integers(node, index)]
    return [resolved(shape, target)]


def resolved(shape: Sequence[int], target: Sequence[int]) -> Shape:
    """The target of a Reshape with its one unknown dimension; `ValueError` when it does not fit."""
    count, known = rows_of(shape), prod(dim for dim in target if dim >= 0)
    if count < 0:
        return tuple(target)
    fits = count % max(known, 1) == 0 if unknown_count(target) else known == count
    if not fits:
        message = f"makes {list(target)} of {list(shape)}"
        raise ValueError(message)
    return tuple(count // max(known, 1) if dim < 0 else dim for dim in target)


def flatten(node: Node) -> list[Shape | None]:
    """Flatten(x): all axes but the first become one."""
    shape = shape_of(node, 0)
    return [(shape[0], rows_of(shape[1:]))]


def expand_dims(node: Node) -> list[Shape | None]:
    """ExpandDims(x, axis)."""
    shape, (axis,) = list(shape_of(node, 0)), integers(node, 1)
    shape.insert(axis % (len(shape) + 1), 1)
    return [tuple(shape)]


def squeeze(node: Node) -> list[Shape | None]:
    """Squeeze(x), along all axes of size 1 unless some are named."""
    shape, axes = shape_of(node, 0), node.attrs.get("axis")
    named = axes if isinstance(axes, tuple) else (axes,) if isinstance(axes, int) else ()
    gone = {int(str(axis)) % len(shape) for axis in named}
    return [tuple(dim for axis, dim in enumerate(shape) if (axis not in gone if gone else dim != 1))]


def transpose(node: Node) -> list[Shape | None]:
    """Transpose(x, perm)."""
    shape = shape_of(node, 0)
    return [tuple(shape[axis] for axis in integers(node, 1))]


def concat(node: Node) -> list[Shape | None]:
    """Concat along an axis."""
    shapes = [shape_of(node, index) for index in range(len(node.inputs)) if node.inputs[index].literal is None]
    axis = number(node, "axis", 0) % len(shapes[0])
    rest = broadcast_shape(*((*shape[:axis], 1, *shape[axis + 1 :]) for shape in shapes))
    sizes = [shape[axis] for shape in shapes]
    return [(*rest[:axis], -1 if min(sizes) < 0 else sum(sizes), *rest[axis + 1 :])]


def stack(node: Node) -> list[Shape | None]:
    """Stack along a new axis."""
    shape = list(broadcast_shape(*(shape_of(node, index) for index in range(len(node.inputs)))))
    shape.insert(number(node, "axis", number(node, "dim", 0)) % (len(shape) + 1), len(node.inputs))
    return [tuple(shape)]


def split(node: Node) -> list[Shape | None]:
    """Split into parts: even ones, or of the sizes that MindIR says."""
    shape = shape_of(node, 0)
    axis = number(node, "axis", 0, 2) % len(shape)
    sizes = [(value.type.shape or shape)[axis] for value in node.outputs]
    even = shape[axis] // len(sizes) if shape[axis] >= 0 else -1
    return [(*shape[:axis], even if size < 0 else size, *shape[axis + 1 :]) for size in sizes]


def unstack(node: Node) -> list[Shape | None]:
    """Unstack along an axis."""
    shape = shape_of(node, 0)
    axis = number(node, "axis", 0) % len(shape)
    return [shape[:axis] + shape[axis + 1 :] for _ in node.outputs]


def gather(node: Node) -> list[Shape | None]:
    """Gather(x, indices, axis)."""
    shape, indices = shape_of(node, 0), shape_of(node, 1)
    axis, batch = integers(node, 2)[0] % len(shape), number(node, "batch_dims", 0, 3)
    return [shape[:axis] + indices[batch:] + shape[axis + 1 :]]


def gather_nd(node: Node) -> list[Shape | None]:
    """GatherNd(x, indices)."""
    shape, indices = shape_of(node, 0), shape_of(node, 1)
    return [indices[:-1] + shape[indices[-1] :]]


def second(node: Node) -> list[Shape | None]:
    """The shape of the second input: GatherD and its kin are given one by one what to take."""
    return [shape_of(node, 2 if node.op == "GatherD" and node.inputs[1].is_const else 1)]


def tile(node: Node) -> list[Shape | None]:
    """Tile(x, multiples), the multiples whole or number by number."""
    shape = shape_of(node, 0)
    times = tuple(count for index in range(1, len(node.inputs)) for count in integers(node, index))
    shape = (1,) * (len(times) - len(shape)) + shape
    times = (1,) * (len(shape) - len(times)) + times
    return [tuple(-1 if dim < 0 else dim * count for dim, count in zip(shape, times, strict=True))]


def broadcast_to(node: Node) -> list[Shape | None]:
    """BroadcastTo(x, shape); -1 keeps a dimension."""
    shape, wanted = shape_of(node, 0), node.attrs.get("shape")
    target = wanted if isinstance(wanted, tuple) else integers(node, 1)
    full = (1,) * (len(target) - len(shape)) + shape
    return [tuple(old if new == -1 else int(str(new)) for old, new in zip(full, target, strict=True))]


def plain_slice(node: Node) -> list[Shape | None]:
    """Slice(x, begin, size); -1 takes the rest."""
    triples = zip(shape_of(node, 0), integers(node, 1), integers(node, 2), strict=True)
    return [
        tuple(dim if size == -1 and dim < 0 else dim - begin if size == -1 else size for dim, begin, size in triples)
    ]


def strided_slice(node: Node) -> list[Shape | None]:
    """StridedSlice(x, begin, end, strides) with its masks."""
    bounds = list(zip(*(integers(node, place) for place in (1, 2, 3)), strict=True))
    masks = [number(node, name, 0) for name in MASKS]
    cuts = cuts_of(shape_of(node, 0), bounds, *masks)
    kept = [cut.count for cut in cuts if not cut.is_shrunk]
    declared = node.outputs[0].type.rank
    return [tuple(kept) if declared in (None, len(kept)) else None]


def reduction(node: Node) -> list[Shape | None]:
    """Reductions (x, axes), and those that say where an extremum is."""
    shape = shape_of(node, 0)
    axes = node.attrs.get("axis", literal_of(node.inputs[1]) if len(node.inputs) > 1 else ())
    named = axes if isinstance(axes, tuple) else () if axes is None else (axes,)
    gone = {int(str(axis)) % len(shape) for axis in named} or set(range(len(shape)))
    keep = bool(number(node, "keep_dims", 0, 3 if node.op in ("Std", "Var") else 2))
    left = tuple(1 if axis in gone else dim for axis, dim in enumerate(shape) if keep or axis not in gone)
    return [left for _ in node.outputs]


def layer_norm(node: Node) -> list[Shape | None]:
    """LayerNorm(x, gamma, beta) -> (y, mean, variance)."""
    shape = shape_of(node, 0)
    begin = number(node, "begin_norm_axis", -1, 3) % len(shape)
    statistics = shape[:begin] + (1,) * (len(shape) - begin)
    return [shape, *(statistics for _ in node.outputs[1:])]


def one_hot(node: Node) -> list[Shape | None]:
    """OneHot(indices, depth, on, off)."""
    shape, axis = list(shape_of(node, 0)), number(node, "axis", -1)
    shape.insert(len(shape) if axis == -1 else axis, integers(node, 1)[0])
    return [tuple(shape)]


def filled(node: Node) -> list[Shape | None]:
    """Fill and its kin: the shape is an argument, whole or number by number, behind the element type or before it."""
    places = range(1, len(node.inputs) - 1) if node.op == "Fill" else range(max(len(node.inputs) - 1, 1))
    return [tuple(dim for place in places for dim in integers(node, place))]


def recurrent(node: Node) -> list[Shape | None]:
    """LSTM(x [steps, batch, ...], ...): steps and batch come from x, the rest is the layer's."""
    steps, batch = shape_of(node, 0)[:2]
    declared = node.outputs[0].type.shape or ()
    return [(steps, batch, *declared[2:]), *([None] * (len(node.outputs) - 1))]


def scalar(_node: Node) -> list[Shape | None]:
    """A number."""
    return [()]


# Operators that change numbers only, beyond those whose Lite operator works element by element.
_SAME = """BatchNorm BiasAdd Cast CumSum Dropout Erfc Expm1 GroupNorm Identity InstanceNorm Load OnesLike OnesLikeExt
    ReverseSequence ReverseV2 Sign Softmax StopGradient Tan TensorMove TensorScatterAdd TensorScatterUpdate Trunc
    ZerosLike ZerosLikeExt"""
_REDUCTIONS = """ArgMaxExt ArgMaxWithValue ArgMinExt ArgMinWithValue Argmax Argmin Max MaxDim MeanExt Min MinDim ProdExt
    Std SumExt Var"""

_RULES: dict[str, ShapeRule] = {
    **IMAGE_RULES,
    **dict.fromkeys(_SAME.split(), first),
    **dict.fromkeys(("Pow", "PowScalarTensor", "PowTensorScalar", "DivNoNan", "MaskedFill"), broadcast),
    **dict.fromkeys([name for name in RULES if name.startswith("Reduce")], reduction),
    **dict.fromkeys(_REDUCTIONS.split(), reduction),
    **dict.fromkeys(("ScalarAdd", "ScalarSub", "ScalarMul", "ScalarFloordiv", "Rank", "Size"), scalar),
    **dict.fromkeys(("Stack", "StackExt", "Pack"), stack),
    **dict.fromkeys(("Unstack", "Unpack"), unstack),
    **dict.fromkeys(("Split", "SplitTensor", "SplitWithSize"), split),
    **dict.fromkeys(("Gather", "GatherV2", "SparseGatherV2"), gather),
    **dict.fromkeys(("Fill", "FillV2", "Ones", "Zeros"), filled),
    **dict.fromkeys(("MatMul", "BatchMatMul", "MatMulExt"), matrix_product),
    "BroadcastTo": broadcast_to,
    "Concat": concat,
    "Dense": dense,
    "ExpandDims": expand_dims,
    "Flatten": flatten,
    "GatherD": second,
    "GatherNd": gather_nd,
    "LSTM": recurrent,
    "LayerNorm": layer_norm,
    "OneHot": one_hot,
    "Reshape": reshape,
    "Slice": plain_slice,
    "Squeeze": squeeze,
    "StridedSlice": strided_slice,
    "Tile": tile,
    "Transpose": transpose,
}
