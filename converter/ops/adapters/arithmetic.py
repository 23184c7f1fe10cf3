"""Element by element: arguments made tensors, element types that a kernel lacks, and functions without a kernel."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

import numpy as np

from converter.ir import DType, TensorType
from converter.ir.editing import replace_uses, wire
from converter.ops.compose import Composer
from converter.ops.context import literal_of
from converter.ops.device_kernels import DEVICE_KERNELS
from converter.ops.lite_ops import LITE_OPS

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from converter.ir import Node, Value
    from converter.ops.context import Adapter, Context

COMPARISONS = frozenset({"Equal", "NotEqual", "Greater", "GreaterEqual", "Less", "LessEqual"})
# The device's FloorDiv of integers cuts toward zero (facts: DEVICE_RECIPES, section 6).
_WRONG_FOR_INTEGERS = frozenset({"FloorDiv"})
_SMALL = 4096
_INVERSE_ROOT = -0.5


def elementwise(context: Context, node: Node) -> None:
    """Numbers become constants of the other operand's type; what the kernel cannot compute is computed as float32."""
    kind = _computing_type(node)
    build = Composer(context, node)
    inputs = [tensor_of(build, value, kind) for value in node.inputs]
    build.insert()
    wire(node, inputs)
    convert_result(context, node, DType.BOOL if node.op in COMPARISONS else kind)


def logical(context: Context, node: Node) -> None:
    """Operands that are no booleans are compared with zero first."""
    build = Composer(context, node)
    inputs = [truth_of(build, value) for value in node.inputs]
    build.insert()
    wire(node, inputs)


def truth_of(build: Composer, value: Value) -> Value:
    """A value as booleans."""
    number = literal_of(value) if value.literal is not None else None
    if isinstance(number, (bool, int, float)):
        return build.constant(bool(number), DType.BOOL)
    return value if value.type.dtype is DType.BOOL else build.binary("NotEqual", value, 0.0, DType.BOOL)


def tensor_of(build: Composer, value: Value, kind: DType) -> Value:
    """A value, or the number that an argument holds, in an element type."""
    number = value.literal.value if value.literal is not None else None
    if isinstance(number, (bool, int, float)):
        return build.constant(number, kind)
    if value.type.dtype is kind or value.literal is not None:
        return value
    if value.const is not None and value.const.size <= _SMALL and not is_variable(value):
        return build.constant(value.const.array().astype(kind.numpy), kind)
    return build.cast(value, kind)


def convert_result(context: Context, node: Node, computed: DType) -> None:
    """Let readers of a node's only result have the type that MindIR promises, when the kernel gives another one."""
    result = node.outputs[0]
    promised = result.type.dtype
    if promised is computed:
        return
    readers = list(dict.fromkeys(result.users))
    result.type = TensorType(computed, result.type.shape)
    build = Composer(context, node)
    cast = build.cast(result, promised)
    build.insert_behind()
    hand_over(context, result, cast, readers)


def hand_over(context: Context, old: Value, new: Value, readers: list[Node]) -> None:
    """Let the readers of a value, and the graph's outputs, have another one that is made from it."""
    replace_uses(context.graph, old, new, only=readers)
    context.graph.outputs[:] = [new if value is old else value for value in context.graph.outputs]


def _computing_type(node: Node) -> DType:
    """The widest element type among the operands, or float32 when the kernel cannot compute in it."""
    types = [_type_of(value) for value in node.inputs]
    widest = next((kind for kind in (DType.FLOAT32, DType.INT32, DType.BOOL) if kind in types), types[0])
    support = DEVICE_KERNELS.get(node.op)
    lacks = support is not None and widest not in support.kernels
    if widest in (DType.INT32, DType.BOOL) and (lacks or node.op in _WRONG_FOR_INTEGERS):
        return DType.FLOAT32
    return widest


def _type_of(value: Value) -> DType:
    """Element type; a number given as an argument asks for no more than it needs."""
    if value.literal is None:
        return value.type.dtype
    number = value.literal.value
    return DType.FLOAT32 if isinstance(number, float) and not number.is_integer() else DType.BOOL


def is_read(context: Context, value: Value) -> bool:
    """Whether a node or the user reads the value."""
    return bool(value.users) or any(value is output for output in context.graph.outputs)


def is_variable(value: Value) -> bool:
    """Whether some node writes the constant while the model runs."""
    for user in value.users:
        lite = LITE_OPS.get(user.op)
        writes = lite.writes if lite is not None else ()
        if user.attrs.get("side_effect_mem") or any(user.inputs[i] is value for i in writes if i < len(user.inputs)):
            return True
    return False


_FOLDED: Mapping[str, Callable[[float, float], float]] = {
    "AddFusion": lambda a, b: a + b,
    "SubFusion": lambda a, b: a - b,
    "MulFusion": lambda a, b: a * b,
}


def number_of(value: Value) -> float | None:
    """The number that a value always has; None when the graph computes it from something that changes."""
    if value.const is not None and value.const.type.size > 1:
        return None  # of a large weight, a list of its numbers would take seconds
    found = literal_of(value)
    while isinstance(found, tuple) and len(found) == 1:
        found = found[0]
    if isinstance(found, (int, float)):
        return None if is_variable(value) else float(found)
    producer = value.producer
    if producer is None or producer.op not in _FOLDED:
        return None
    left, right = (number_of(operand) for operand in producer.inputs)
    return None if left is None or right is None else _FOLDED[producer.op](left, right)


# -- operators with more arguments than their kernel -----------------------------------------------------------------


def scaled(context: Context, node: Node) -> None:
    """AddExt, SubExt and their scalar forms (x, y, alpha): x + alpha * y."""
    x, y, *rest = node.inputs
    alpha = number_of(rest[0]) if rest else 1.0
    if alpha is None:
        context.refuse("E202", node, "its alpha is computed by the graph", "make alpha a constant")
        return
    if alpha != 1.0:
        build = Composer(context, node)
        number = number_of(y)
        y = build.mul(y, alpha) if number is None else build.constant(number * alpha, x.type.dtype)
        build.insert()
    wire(node, [x, y])
    elementwise(context, node)


def first_argument(context: Context, node: Node) -> None:
    """The first input only; further arguments must be None or zero, their defaults."""
    if any(literal_of(value) not in (None, 0) for value in node.inputs[1:]):
        shown = ", ".join(repr(literal_of(value)) for value in node.inputs[1:])
        context.refuse("E202", node, f"its arguments {shown} cannot be converted; only the defaults can")
        return
    wire(node, node.inputs[:1])
    elementwise(context, node)


def power(context: Context, node: Node) -> None:
    """Pow(x, y): the device wants a constant exponent; a constant base that is positive does as well."""
    base, exponent = node.inputs[:2]
    build = Composer(context, node)
    number, fixed = number_of(exponent), number_of(base)
    wanted = node.outputs[0].type.dtype
    if number is not None:
        result = power_of(build, tensor_of(build, base, DType.FLOAT32), number)
    elif fixed is not None and fixed > 0.0:
        result = build.exp(build.mul(tensor_of(build, exponent, DType.FLOAT32), math.log(fixed)))
    else:
        hint = "make the exponent a constant"
        context.refuse("E202", node, f"{node.op}: the exponent is computed by the graph, which the device cannot", hint)
        return
    shape = node.outputs[0].type.shape
    if result.type.shape != shape and shape is not None:
        result = build.reshape(result, shape)
    build.replace(build.cast(result, wanted))


def power_of(build: Composer, x: Value, exponent: float) -> Value:
    """A power by the cheapest operator."""
    if exponent == 0.0:
        return filled(build, x.type.shape or (), 1.0)
    if exponent == 1.0:
        return x
    if exponent == _INVERSE_ROOT:
        return build.rsqrt(x)
    simple = {2.0: "Square", 0.5: "Sqrt", -1.0: "Reciprocal"}.get(exponent)
    return build.op(simple, [x]) if simple else build.power(x, exponent)


def filled(build: Composer, shape: tuple[int, ...], number: float, dtype: DType = DType.FLOAT32) -> Value:
    """A tensor of one number: a small constant as it is, a large one broadcast on the device."""
    if math.prod(shape) <= _SMALL:
        return build.constant(np.full(shape, number), dtype)
    return build.op("BroadcastTo", [build.constant([number], dtype)], TensorType(dtype, shape), shape=shape)


# -- functions without a kernel ---------------------------------------------------------------------------------------


def sign(context: Context, node: Node) -> None:
    """-1, 0 or 1: what AbsGrad makes of ones."""
    build = Composer(context, node)
    wanted = node.outputs[0].type.dtype
    x = build.cast(node.inputs[0], DType.FLOAT32)
    ones = filled(build, x.type.shape, 1.0) if x.type.shape is not None else None
    result = build.sign(x) if ones is None else build.op("AbsGrad", [x, ones])
    build.replace(build.cast(result, wanted))


def composed(formula: Callable[..., Value]) -> Adapter:
    """An adapter that puts `formula(build, *inputs)` in the node's place."""

    def adapter(context: Context, node: Node) -> None:
        build = Composer(context, node)
        build.replace(formula(build, *node.inputs))

    return adapter


def rsqrt_grad(build: Composer, y: Value, dy: Value) -> Value:
    """Gradient of 1 / sqrt(x) from its result: -dy / 2 * y ** 3; the device's own has no shape inference."""
    return build.mul(build.mul(build.square(y), y), build.mul(dy, -0.5))


def reciprocal_grad(build: Composer, y: Value, dy: Value) -> Value:
    """Gradient of 1 / x from its result: -dy * y ** 2."""
    return build.mul(build.neg(dy), build.square(y))


def cosine(build: Composer, x: Value) -> Value:
    """cos(x) as sin(x + π / 2): the runtime's Cos is off by up to 2e-3, its Sin by the rounding of its result."""
    return build.op("Sin", [build.add(x, math.pi / 2)])


def divide_no_nan(build: Composer, x: Value, y: Value) -> Value:
    """Quotient, and 0 where y is 0."""
    is_zero = build.mask("Equal", y, 0.0)
    return build.mul(build.div(x, build.add(y, is_zero)), build.sub(1.0, is_zero))


def trunc(build: Composer, x: Value) -> Value:
    """Toward zero: what a Cast to integers does."""
    return build.cast(build.cast(x, DType.INT32), DType.FLOAT32)


def extremum_grad(context: Context, node: Node) -> None:
    """MaximumGrad, MinimumGrad (x, y, dz) -> (dx, dy): the kernel for equal shapes or one constant, masks otherwise."""
    x, y, dy = node.inputs
    if x.type.shape == y.type.shape:
        return
    build = Composer(context, node)
    number = number_of(y)
    if number is not None and not is_read(context, node.outputs[1]):
        wire(node, [x, build.constant([number]), dy])
        node.outputs[1].type = TensorType(DType.FLOAT32, (1,))
        return
    first = build.mul(dy, build.mask("Greater" if node.op == "MaximumGrad" else "Less", x, y))
    unused = build.constant(0.0)
    build.replace(
        build.sum_to(first, x.type.shape or ()) if is_read(context, node.outputs[0]) else unused,
        build.sum_to(build.sub(dy, first), y.type.shape or ()) if is_read(context, node.outputs[1]) else unused,
    )
