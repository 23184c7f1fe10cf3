"""MindIR values decoded: attributes, element types, abstracts; the typed grammar and the textual one of 1.x."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from converter.ir import Attr, DType, TensorType

if TYPE_CHECKING:
    from collections.abc import Iterator

    from converter._generated.mind_ir_pb2 import AttributeProto, TensorProto

# TensorProto.DataType and AttributeProto types up to 16 share these numbers.
DTYPES = {
    1: DType.FLOAT32,
    2: DType.UINT8,
    3: DType.INT8,
    4: DType.UINT16,
    5: DType.INT16,
    6: DType.INT32,
    7: DType.INT64,
    8: DType.STRING,
    9: DType.BOOL,
    10: DType.FLOAT16,
    11: DType.FLOAT64,
    12: DType.UINT32,
    13: DType.UINT64,
    16: DType.BFLOAT16,
    17: DType.FLOAT64,
}
_FLOAT, _STRING, _BOOL, _DOUBLE = 1, 8, 9, 11
_INTEGERS = frozenset({2, 3, 4, 5, 6, 7, 12, 13})
_TENSORS, _TUPLE, _LIST, _DICT = 19, 20, 21, 22
_DEEPEST = 32  # levels of sequences in sequences; protobuf itself stops at 100 messages
_UMONAD, _IOMONAD, _NONE, _TYPE_NULL = 23, 24, 25, 36


class UndecodableError(Exception):
    """An attribute in a form that is not known; the message says which."""


def type_of(tensor: TensorProto) -> TensorType:
    """Element type and shape of a TensorProto that stands for a type; the shape [0] is that of a number."""
    if tensor.data_type not in DTYPES:
        raise UndecodableError(f"tensor data type {tensor.data_type}")
    return TensorType(DTYPES[tensor.data_type], tuple(tensor.dims) if tuple(tensor.dims) != (0,) else ())


def has_data(tensor: TensorProto) -> bool:
    """Whether a TensorProto is a constant; without bytes it stands for a type."""
    return bool(tensor.raw_data) or tensor.HasField("raw_offset") or tensor.HasField("external_data")


def is_monad(attribute: AttributeProto) -> bool:
    """Whether the value is a side-effect token."""
    return attribute.type in (_UMONAD, _IOMONAD) or attribute.ref_attr_name.startswith("Monad:")


def only_tensor(attribute: AttributeProto) -> TensorProto | None:
    """The one tensor of the attribute, whichever field holds it; None when it is something else."""
    if attribute.values or attribute.type in (_TUPLE, _LIST, _DICT):
        return None
    if len(attribute.tensors) == 1:
        return attribute.tensors[0]
    return attribute.t if attribute.HasField("t") else None


def decode(attribute: AttributeProto) -> Attr:
    """The Python value of an attribute that is not a tensor constant; an element type decodes to its TypeId.

    Raises `UndecodableError`.
    """
    if attribute.ref_attr_name or attribute.type == 0:
        return _decode_old(attribute)
    if attribute.type in (_TUPLE, _LIST):
        return tuple(decode(item) for item in attribute.values)
    if attribute.type in (_NONE, _TYPE_NULL):
        return None
    if attribute.type == _TENSORS:
        return _decode_dtype(attribute)
    return _scalar(attribute, attribute.type)


def _scalar(attribute: AttributeProto, kind: int) -> Attr:
    """A number or string; inside sequences it sits in the repeated field."""
    if kind == _BOOL:
        return bool(attribute.i if attribute.HasField("i") or not attribute.ints else attribute.ints[0])
    if kind in _INTEGERS:
        return int(attribute.i if attribute.HasField("i") or not attribute.ints else attribute.ints[0])
    if kind == _FLOAT:
        return float(attribute.f if attribute.HasField("f") or not attribute.floats else attribute.floats[0])
    if kind == _DOUBLE:
        return float(attribute.d if attribute.HasField("d") or not attribute.doubles else attribute.doubles[0])
    if kind == _STRING:
        text = attribute.s if attribute.HasField("s") or not attribute.strings else attribute.strings[0]
        return str(text.decode("utf-8", "replace"))
    raise UndecodableError(f"attribute type {kind}")


def _decode_dtype(attribute: AttributeProto) -> Attr:
    """An element type, written as a tensor without dimensions and bytes."""
    tensor = only_tensor(attribute)
    if tensor is None or has_data(tensor) or tensor.data_type not in DTYPES:
        raise UndecodableError("a list of tensors")
    return int(DTYPES[tensor.data_type])


def _decode_old(attribute: AttributeProto) -> Attr:
    """Grammar of MindSpore 1.x: `ref_attr_name` is `kind:form`, the leaves stand in the repeated fields in order."""
    kind, _, form = attribute.ref_attr_name.partition(":")
    if kind == "scalar":
        return _sequence(re.findall(r"Tuple\[|List\[|\]|value\d+", form), _leaves(attribute))
    if kind == "type":
        return _decode_dtype(attribute)
    if kind == "none":
        return None
    raise UndecodableError(f"attribute form {attribute.ref_attr_name!r}")


def _leaves(attribute: AttributeProto) -> Iterator[Attr]:
    """Scalars of an old-style attribute in order; booleans are integers there."""
    if attribute.values:
        for item in attribute.values:
            yield from _leaves(item)
        return
    for name in ("i", "f", "d", "s"):
        if attribute.HasField(name):
            value = getattr(attribute, name)
            yield value.decode("utf-8", "replace") if isinstance(value, bytes) else value
    yield from map(bool if attribute.type == _BOOL else int, attribute.ints)
    yield from attribute.floats
    yield from attribute.doubles
    yield from (text.decode("utf-8", "replace") for text in attribute.strings)


def _sequence(tokens: list[str], leaves: Iterator[Attr]) -> Attr:
    """Nest the leaves as the tokens say."""
    stack: list[list[Attr]] = [[]]
    try:
        for token in tokens:
            if token.endswith("["):
                stack.append([])
                if len(stack) > _DEEPEST:
                    raise UndecodableError(f"a sequence more than {_DEEPEST} levels deep")
            elif token[0] == "]":
                done = tuple(stack.pop())
                stack[-1].append(done)
            else:
                stack[-1].append(next(leaves))
        whole = stack.pop()
    except (IndexError, StopIteration) as problem:
        raise UndecodableError("a sequence with too few values") from problem
    if len(whole) != 1:
        raise UndecodableError("a sequence that is not one value")
    return whole[0]
