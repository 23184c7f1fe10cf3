"""Split weights as early MindSpore 1.x stored them: `X_graph.mindir` without parameters, which are in `X_variables/`.

Every file there is a serialized graph that has nothing but parameters. They become parameters of the model whose bytes
are elsewhere, like those of today's form.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from google.protobuf.message import DecodeError

from converter._generated.mind_ir_pb2 import GraphProto
from converter.encryption import is_encrypted
from converter.errors import fail
from converter.ir.input_file import InputFile
from converter.mindir.decrypted import DecryptedFile
from converter.mindir.external import listed_locations
from converter.mindir.wire import WireError, skeleton

if TYPE_CHECKING:
    from pathlib import Path

    from converter._generated.mind_ir_pb2 import ModelProto
    from converter.encryption import Decryption


def add_old_weights(proto: ModelProto, path: Path, decryption: Decryption | None) -> None:
    """Add the parameters that lie beside a model which has none; `ConversionError` E306 for what cannot be read."""
    if proto.graph.parameter:
        return
    for location in listed_locations(path):
        for parameter in _read(path.parent / location, location, decryption).parameter:
            tensor = proto.graph.parameter.add()
            tensor.CopyFrom(parameter)
            if tensor.HasField("raw_offset"):
                tensor.external_data.location = location
                tensor.external_data.offset = tensor.raw_offset
                tensor.external_data.length = tensor.raw_length
                tensor.ClearField("raw_offset")
                tensor.ClearField("raw_length")


def _read(file_path: Path, location: str, decryption: Decryption | None) -> GraphProto:
    """The parameters of one file, without their bytes."""
    graph = GraphProto()
    try:
        file = InputFile(file_path)
        if decryption is not None and is_encrypted(file):
            file = DecryptedFile(file_path, decryption)
        graph.ParseFromString(skeleton(file, "Graph"))
    except OSError as problem:
        message = f"the split weight file {location!r} cannot be read: {problem.strerror or problem}"
        raise fail("E306", message, path=str(file_path)) from problem
    except (WireError, DecodeError, UnicodeDecodeError, RecursionError) as problem:
        message = f"the split weight file {location!r} is damaged, or holds no parameters"
        raise fail("E306", message, path=str(file_path), hint="export or copy it again") from problem
    return graph
