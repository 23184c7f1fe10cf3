"""Small constants computed while control flow is resolved, so that loops with constant bounds know when they end."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from converter.ops.context import constant

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from converter.ir import Node, Value

    Array = np.ndarray[Any, np.dtype[Any]]

_LIMIT = 64


def _cast(x: Array, *_target: Array) -> Array:
    """The element type is that of the node's result."""
    return x


def _first(x: Array, *_arguments: Array) -> Array:
    """The numbers stay; the shape is that of the node's result."""
    return x


def _calm(*_status: Array) -> Array:
    """The status of an accelerator that saw no overflow: the device has none that could see one."""
    return np.zeros(8, np.int32)


_COMPUTE: Mapping[str, Callable[..., Any]] = {
    "Add": np.add,
    "Cast": _cast,
    "Equal": np.equal,
    "ExpandDims": _first,
    "FloorDiv": np.floor_divide,
    "FloorMod": np.mod,
    "Greater": np.greater,
    "GreaterEqual": np.greater_equal,
    "Less": np.less,
    "LessEqual": np.less_equal,
    "LogicalAnd": np.logical_and,
    "LogicalNot": np.logical_not,
    "LogicalOr": np.logical_or,
    "Maximum": np.maximum,
    "Minimum": np.minimum,
    "Mul": np.multiply,
    "Muls": np.multiply,
    "NPUAllocFloatStatus": _calm,
    "NPUClearFloatStatus": _calm,
    "NPUClearFloatStatusV2": _calm,
    "NPUGetFloatStatus": _calm,
    "NPUGetFloatStatusV2": _calm,
    "Neg": np.negative,
    "NotEqual": np.not_equal,
    "ReduceAll": lambda x, *_axes: np.all(x),
    "Reshape": _first,
    "ScalarAdd": np.add,
    "ScalarFloordiv": np.floor_divide,
    "ScalarMul": np.multiply,
    "ScalarSub": np.subtract,
    "Squeeze": _first,
    "Sub": np.subtract,
}
OVERFLOW_STATUS = frozenset(name for name in _COMPUTE if name.startswith("NPU"))


def computed(node: Node, inputs: Sequence[Value]) -> Value | None:
    """The result of a node whose inputs are few constant numbers; None where it cannot be known."""
    compute = _COMPUTE.get(node.op)
    kind = node.outputs[0].type if len(node.outputs) == 1 else None
    if compute is None or kind is None or not kind.is_static or kind.size > _LIMIT:
        return None
    arrays = [_numbers(value) for value in inputs]
    known = [array for array in arrays if array is not None]
    if len(known) < len(arrays) and node.op not in OVERFLOW_STATUS:
        return None
    result = np.asarray(compute(*known)).astype(kind.dtype.numpy)
    if result.size != kind.size:
        return None
    return constant(node.outputs[0].name, result.reshape(kind.shape or ()))


def truth(value: Value) -> bool | None:
    """What a condition is; None where it depends on data."""
    numbers = _numbers(value)
    return bool(numbers.all()) if numbers is not None and numbers.size == 1 else None


def _numbers(value: Value) -> Array | None:
    """The numbers of a small constant."""
    if value.literal is not None:
        number = value.literal.value
        # Axes and the like may be None; no operator here computes with them.
        return np.asarray(number if isinstance(number, (bool, int, float, tuple)) else 0)
    if value.const is None or value.const.size > _LIMIT:
        return None
    return value.const.array()
