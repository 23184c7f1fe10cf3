"""Building several Lite nodes in place of one MindIR operator, with shapes and types worked out on the way.

    build = Composer(context, node)
    y = build.mul(x, build.sigmoid(x))
    build.replace(y)

Names of the new nodes begin with the name of the node they replace, so that the marks that the device looks for
(`_loss_fn`, `Gradients`, `optimizer`) stay. Shapes are MindIR's (NCHW); layout comes later.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from converter.ir import DType, TensorType, Value
from converter.ir.editing import replace_uses
from converter.ops.broadcasting import broadcast_shape
from converter.ops.context import constant, scalar_type
from converter.ops.lite_fields import lite_node

if TYPE_CHECKING:
    from collections.abc import Sequence

    from converter.ir import Attr, Node
    from converter.ops.context import Context

_MADE_BY = "adapt-operators"
RELU, SIGMOID, TANH = 1, 2, 10
MEAN, MAX, MIN, SUM = 0, 1, 2, 4
_IMAGE_RANK = 4


class Composer:
    """Collects the nodes that replace `node`; nothing is in the graph until `replace` or `insert`."""

    def __init__(self, context: Context, node: Node) -> None:
        """Start with nothing made."""
        self.context = context
        self.node = node
        self.made: list[Node] = []

    # -- any operator -----------------------------------------------------------------------------------------------

    def op(
        self, op: str, inputs: Sequence[Value], kind: TensorType | None = None, *, name: str = "", **attrs: Attr
    ) -> Value:
        """One node with one output; its type is that of the first input unless given."""
        return self.ops(op, inputs, [kind or inputs[0].type], name=name, **attrs)[0]

    def ops(
        self, op: str, inputs: Sequence[Value], kinds: Sequence[TensorType], *, name: str = "", **attrs: Attr
    ) -> tuple[Value, ...]:
        """One node with several outputs."""
        own = f"{self.node.name}/{name or op}_{len(self.made)}"
        outputs = [Value(own if len(kinds) == 1 else f"{own}/output-{i}", kind) for i, kind in enumerate(kinds)]
        self.made.append(lite_node(op, own, self.node.origin.derived(_MADE_BY), inputs, outputs, attrs))
        return tuple(outputs)

    def constant(self, values: Any, dtype: DType = DType.FLOAT32) -> Value:  # noqa: ANN401 - whatever numpy takes
        """A constant of this composition; numbers become float32 unless another type is given."""
        return constant("", np.asarray(values, dtype.numpy))

    # -- element by element, with broadcasting ----------------------------------------------------------------------

    def binary(self, op: str, a: Value | float, b: Value | float, dtype: DType | None = None) -> Value:
        """`op(a, b)`; Python numbers become scalar constants of the other operand's type."""
        left = a if isinstance(a, Value) else self._like(a, b)
        right = b if isinstance(b, Value) else self._like(b, a)
        shape = broadcast_shape(left.type.shape or (), right.type.shape or ())
        return self.op(op, [left, right], TensorType(dtype or left.type.dtype, shape))

    def _like(self, number: float, other: Value | float) -> Value:
        return self.constant(number, other.type.dtype if isinstance(other, Value) else DType.FLOAT32)

    def add(self, a: Value | float, b: Value | float) -> Value:
        """`a + b`."""
        return self.binary("AddFusion", a, b)

    def sub(self, a: Value | float, b: Value | float) -> Value:
        """`a - b`."""
        return self.binary("SubFusion", a, b)

    def mul(self, a: Value | float, b: Value | float) -> Value:
        """`a * b`."""
        return self.binary("MulFusion", a, b)

    def div(self, a: Value | float, b: Value | float) -> Value:
        """`a / b`."""
        return self.binary("RealDiv", a, b)

    def maximum(self, a: Value | float, b: Value | float) -> Value:
        """The greater of both."""
        return self.binary("Maximum", a, b)

    def minimum(self, a: Value | float, b: Value | float) -> Value:
        """The lesser of both."""
        return self.binary("Minimum", a, b)

    def clip(self, x: Value, low: Value | float, high: Value | float) -> Value:
        """`x` between two bounds."""
        return self.minimum(self.maximum(x, low), high)

    def mask(self, comparison: str, a: Value | float, b: Value | float) -> Value:
        """1.0 where `comparison` (Greater, Less, Equal, …) holds, 0.0 elsewhere."""
        return self.cast(self.binary(comparison, a, b, DType.BOOL), DType.FLOAT32)

    def cast(self, x: Value, dtype: DType) -> Value:
        """Another element type."""
        if x.type.dtype is dtype:
            return x
        target = self.constant(int(dtype), DType.INT32)
        return self.op("Cast", [x, target], TensorType(dtype, x.type.shape))

    def neg(self, x: Value) -> Value:
        """`-x`."""
        return self.op("Neg", [x])

    def abs(self, x: Value) -> Value:
        """`|x|`."""
        return self.op("Abs", [x])

    def exp(self, x: Value) -> Value:
        """`e ** x`."""
        return self.op("ExpFusion", [x])

    def log(self, x: Value) -> Value:
        """Natural logarithm."""
        return self.op("Log", [x])

    def sqrt(self, x: Value) -> Value:
        """Square root."""
        return self.op("Sqrt", [x])

    def rsqrt(self, x: Value) -> Value:
        """`1 / sqrt(x)`; the runtime's own is an estimate, off by up to 2e-4."""
        return self.op("Reciprocal", [self.sqrt(x)])

    def square(self, x: Value) -> Value:
        """`x * x`."""
        return self.op("Square", [x])

    def power(self, x: Value, exponent: float) -> Value:
        """`x ** exponent`; the device wants the exponent constant."""
        return self.op("PowFusion", [x, self.constant(exponent)])

    def activation(self, kind: int, x: Value, alpha: float = 0.0) -> Value:
        """An activation by its number."""
        return self.op("Activation", [x], activation_type=kind, alpha=alpha)

    def sigmoid(self, x: Value) -> Value:
        """`1 / (1 + e ** -x)`."""
        return self.activation(SIGMOID, x)

    def tanh(self, x: Value) -> Value:
        """Hyperbolic tangent from the sigmoid: the device's own is a rational approximation, clamped beyond 5."""
        return self.sub(self.mul(self.sigmoid(self.mul(x, 2.0)), 2.0), 1.0)

    def sign(self, x: Value) -> Value:
        """-1, 0 or 1."""
        return self.sub(self.mask("Greater", x, 0.0), self.mask("Less", x, 0.0))

    # -- shapes -----------------------------------------------------------------------------------------------------

    def reshape(self, x: Value, shape: Sequence[int]) -> Value:
        """Another shape; nothing is made when it is the same."""
        if tuple(shape) == x.type.shape:
            return x
        target = self.constant(list(shape), DType.INT32)
        return self.op("Reshape", [x, target], TensorType(x.type.dtype, tuple(shape)))

    def transpose(self, x: Value, perm: Sequence[int]) -> Value:
        """Axes in another order."""
        shape = x.type.shape or ()
        order = self.constant(list(perm), DType.INT32)
        return self.op("Transpose", [x, order], TensorType(x.type.dtype, tuple(shape[axis] for axis in perm)))

    def reduce(self, mode: int, x: Value, axes: Sequence[int], *, keep: bool = False) -> Value:
        """Reduce over axes by `mode` (MEAN, SUM, MAX, MIN).

        A maximum over any axis but the last starts from the least positive float in the official runtime 2.0.0, so it
        is written as the minimum of the negated; images have another last axis once their layout has changed.
        """
        shape = x.type.shape or ()
        gone = {axis % len(shape) for axis in axes} if shape else set()
        is_over_last = gone == {len(shape) - 1} and len(shape) != _IMAGE_RANK
        if mode == MAX and x.type.dtype.numpy.kind == "f" and shape and not is_over_last:
            return self.neg(self.reduce(MIN, self.neg(x), axes, keep=keep))
        result = tuple(1 if i in gone else dim for i, dim in enumerate(shape) if keep or i not in gone)
        listed = self.constant(sorted(gone), DType.INT32)
        kind = TensorType(x.type.dtype, result)
        return self.op("ReduceFusion", [x, listed], kind, mode=mode, keep_dims=keep, coeff=1.0)

    def sum(self, x: Value, axes: Sequence[int] | None = None, *, keep: bool = False) -> Value:
        """Sum over axes; over all of them when none are given."""
        return self.reduce(SUM, x, range(x.type.rank or 0) if axes is None else axes, keep=keep)

    def mean(self, x: Value, axes: Sequence[int] | None = None, *, keep: bool = False) -> Value:
        """Mean over axes; over all of them when none are given."""
        return self.reduce(MEAN, x, range(x.type.rank or 0) if axes is None else axes, keep=keep)

    def sum_to(self, x: Value, shape: tuple[int, ...]) -> Value:
        """Undo broadcasting: sum over the axes along which `shape` was repeated to the shape of `x`."""
        full = x.type.shape or ()
        padded = (1,) * (len(full) - len(shape)) + shape
        axes = [i for i, (dim, own) in enumerate(zip(full, padded, strict=True)) if own == 1 and dim != 1]
        return self.reshape(self.sum(x, axes) if axes else x, shape)

    def matmul(self, a: Value, b: Value, *, transpose_a: bool = False, transpose_b: bool = False) -> Value:
        """Matrix product over the last two axes."""
        left, right = a.type.shape or (), b.type.shape or ()
        rows, columns = left[-1 if transpose_a else -2], right[-2 if transpose_b else -1]
        kind = TensorType(a.type.dtype, (*broadcast_shape(left[:-2], right[:-2]), rows, columns))
        return self.op("MatMulFusion", [a, b], kind, transpose_a=transpose_a, transpose_b=transpose_b)

    # -- variables --------------------------------------------------------------------------------------------------

    def assign(self, variable: Value, value: Value) -> None:
        """Store into a variable, after everything made so far that reads it."""
        readers = tuple(node for node in self.made if any(each is variable for each in node.inputs))
        self.op("Assign", [variable, value], scalar_type((1,)))
        self.made[-1].after = readers

    # -- into the graph ---------------------------------------------------------------------------------------------

    def insert(self) -> None:
        """Put the nodes in front of the node, which stays."""
        self.context.put_before(self.node, self._take())

    def insert_behind(self) -> None:
        """Put the nodes behind the node, which stays."""
        self.context.put_behind(self.node, self._take())

    def replace(self, *results: Value) -> None:
        """Put the nodes in the node's place; `results` take the place of its outputs, in order.

        The maker of a single result takes the node's name, so that the user finds it in the file.
        """
        made = self._take()
        if len(results) == 1 and any(results[0].producer is each for each in made):
            results[0].name = self.node.outputs[0].name
            maker = next(each for each in made if results[0].producer is each)
            maker.name = self.node.name
        for old, new in zip(self.node.outputs, results, strict=True):
            replace_uses(self.context.graph, old, new)
        self.context.replace(self.node, made)

    def _take(self) -> list[Node]:
        """The nodes made so far; each waits for what the node waited for."""
        made, self.made = self.made, []
        for each in made:
            each.after = tuple({id(n): n for n in (*each.after, *self.node.after)}.values())
        return made
