"""What the build says about a `.ms` file, so that the firmware can check it: read with nothing but `struct`.

The firmware reads the same facts with its own C reader; the two share no code, so one cannot hide the other's mistake.
"""

from __future__ import annotations

import struct
from dataclasses import dataclass

IDENTIFIER = b"MSL2"

# Field ids of the `.ms` schema.
GRAPH_VERSION, GRAPH_NODES, GRAPH_TENSORS = 1, 6, 7
TENSOR_DATA = 6


class DamagedModelError(ValueError):
    """The bytes are not a `.ms` file."""


@dataclass(frozen=True)
class Facts:
    """Counts of one model; `constant_bytes` leaves padding out."""

    version: str
    node_count: int
    tensor_count: int
    constant_bytes: int


def read_facts(model: bytes) -> Facts:
    """Reads the facts of a `.ms` file; `DamagedModelError` when it is none."""
    if model[4:8] != IDENTIFIER:
        raise DamagedModelError(f"the file does not have the identifier {IDENTIFIER.decode()} at byte 4")
    try:
        return _read_graph(model)
    except (struct.error, UnicodeDecodeError) as damage:
        raise DamagedModelError("an offset in the file leads nowhere") from damage


def _read_graph(model: bytes) -> Facts:
    graph = _follow(model, 0)
    version_at, version_length = _vector(model, graph, GRAPH_VERSION)
    version = model[version_at : version_at + version_length].decode("ascii")
    if not version.isprintable() or set(version) & set('"\\'):
        raise DamagedModelError(f"the version {version!r} cannot stand in a C string")
    tensors_at, tensor_count = _vector(model, graph, GRAPH_TENSORS)
    tensors = [_follow(model, tensors_at + 4 * i) for i in range(tensor_count)]
    return Facts(
        version=version,
        node_count=_vector(model, graph, GRAPH_NODES)[1],
        tensor_count=tensor_count,
        constant_bytes=sum(_vector(model, tensor, TENSOR_DATA)[1] for tensor in tensors),
    )


def _follow(model: bytes, at: int) -> int:
    offset: int = struct.unpack_from("<I", model, at)[0]
    return at + offset


def _vector(model: bytes, table: int, field: int) -> tuple[int, int]:
    """Returns the position of the first element and the count; (0, 0) for a field that is left out."""
    vtable = table - struct.unpack_from("<i", model, table)[0]
    if vtable < 0:
        raise DamagedModelError("a table's layout lies outside the file")
    vtable_size = struct.unpack_from("<H", model, vtable)[0]
    if 4 + 2 * field >= vtable_size:
        return 0, 0
    offset = struct.unpack_from("<H", model, vtable + 4 + 2 * field)[0]
    if offset == 0:
        return 0, 0
    start = _follow(model, table + offset)
    return start + 4, struct.unpack_from("<I", model, start)[0]
