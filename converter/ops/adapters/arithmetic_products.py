"""Matrix products of the newer MindSpore interface, and tensors of one number by shape."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from converter.ops.adapters.arithmetic import filled
from converter.ops.adapters.arithmetic_selection import broadcast
from converter.ops.adapters.unknown_shapes import filled_unknown
from converter.ops.broadcasting import rows_of, unknown_count
from converter.ops.compose import Composer
from converter.ops.context import integers_of

if TYPE_CHECKING:
    from converter.ir import Node, Value
    from converter.ops.context import Adapter, Context

_MATRIX = 2


def dense(context: Context, node: Node) -> None:
    """Dense(x, weight, bias): x @ weight.T + bias over the last axis.

    The bias is a node of its own: a bias inside the product is read once, when the device compiles the model.
    """
    x, weight, *bias = node.inputs
    shape, kernel = context.ranked(node, x), context.shape(node, weight)
    if not shape or not kernel:
        return
    build = Composer(context, node)
    # A Reshape back finds out one dimension by itself; for more the product takes the stack of matrices as it is.
    is_flat = unknown_count(shape) <= 1
    left = build.reshape(x, (rows_of(shape[:-1]), shape[-1])) if is_flat else x
    rows = build.matmul(left, weight, transpose_b=True)
    if bias and bias[0].literal is None:
        rows = build.op("BiasAdd", [rows, bias[0]])
    build.replace(build.reshape(rows, (*shape[:-1], kernel[0])))


def matrix_product(context: Context, node: Node) -> None:
    """MatMulExt(a, b): as numpy's matmul; vectors become matrices, and batches are broadcast, before the product."""
    a, b = node.inputs[:2]
    left, right = context.ranked(node, a), context.ranked(node, b)
    result = context.ranked(node, node.outputs[0])
    if not left or not right or result is None:
        return
    build = Composer(context, node)
    if unknown_count((*left, *right)) and min(len(left), len(right)) >= _MATRIX:
        build.replace(build.matmul(a, b))
        return
    if len(right) == 1:
        b = build.reshape(b, (*right, 1))
    if len(right) <= _MATRIX:
        rows = build.reshape(a, (rows_of(left[:-1]), left[-1]))
        build.replace(build.reshape(build.matmul(rows, b), result))
        return
    if len(left) == 1:
        a = build.reshape(a, (1, *left))
    build.replace(build.reshape(_batched(build, a, b), result))


def _batched(build: Composer, a: Value, b: Value) -> Value:
    """Product of stacks of matrices."""
    left, right = a.type.shape or (), b.type.shape or ()
    batch = tuple(int(dim) for dim in np.broadcast_shapes(left[:-2], right[:-2]))
    a, b = broadcast(build, a, (*batch, *left[-2:])), broadcast(build, b, (*batch, *right[-2:]))
    return build.matmul(a, b)


def constant_of(number: float) -> Adapter:
    """Ones, Zeros (shape, element type)."""

    def adapter(context: Context, node: Node) -> None:
        last = node.inputs[-1] if len(node.inputs) > 1 else None
        listed = [integers_of(value) for value in node.inputs if value is not last]
        shape = None if None in listed else tuple(dim for dims in listed for dim in dims or ())
        if shape is None and not context.is_training:
            filled_unknown(context, node, number)
            return
        if shape is None:
            context.refuse("E204", node, "its shape is computed by the graph", "export the model with fixed shapes")
            return
        build = Composer(context, node)
        build.replace(filled(build, shape, number, node.outputs[0].type.dtype))

    return adapter
