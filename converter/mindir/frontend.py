"""Read a MindIR file into a SOURCE model: scan it, parse the skeleton, resolve names graph by graph."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from google.protobuf.message import DecodeError

from converter._generated.mind_ir_pb2 import ModelProto
from converter.encryption import is_encrypted
from converter.errors import ConversionError, Problem, Problems, fail
from converter.ir import Graph, Model, Note, Stage, Value
from converter.ir.input_file import InputFile
from converter.mindir.decrypted import DecryptedFile
from converter.mindir.graphs import GraphReader
from converter.mindir.old_split import add_old_weights
from converter.mindir.tensors import TensorSource
from converter.mindir.wire import WireError, skeleton

if TYPE_CHECKING:
    from pathlib import Path

    from converter._generated.mind_ir_pb2 import GraphProto, PrimitiveProto
    from converter.encryption import Decryption
    from converter.ir import Attr
    from converter.mindir.operands import Operand

KNOWN_VERSIONS = range(4)


def read_mindir(path: Path, decryption: Decryption | None = None) -> Model:
    """Read one `.mindir` with its split weights. Raises `ConversionError` E301 to E306 with everything found wrong."""
    file = _open(path, decryption)
    proto = _parse(file)
    if proto.mind_ir_version not in KNOWN_VERSIONS:
        raise fail(
            "E303",
            f"MindIR version {proto.mind_ir_version} is not known; known are 0 to {KNOWN_VERSIONS[-1]}",
            path=str(path),
            hint="update the converter, or export with an older MindSpore",
        )
    if proto.HasField("little_endian") and not proto.little_endian:
        raise fail("E302", "the weights are big-endian", path=str(path), hint="export on a little-endian machine")
    add_old_weights(proto, path, decryption)
    return Reader(path, proto, file, decryption).model()


def _open(path: Path, decryption: Decryption | None) -> InputFile:
    """Open the file; an empty or encrypted one is told apart from a damaged one."""
    try:
        file = InputFile(path)
    except OSError as problem:
        raise fail("E301", f"the model file cannot be read: {problem.strerror}", path=str(path)) from problem
    if not file:
        raise fail("E302", "the model file is empty", path=str(path))
    if is_encrypted(file):
        if decryption is None:
            raise fail("E304", "the model is encrypted", path=str(path), hint="give its key with --decryptKey")
        return DecryptedFile(path, decryption)
    if decryption is not None:
        message = "a key is given, but the model is not encrypted"
        raise fail("E304", message, path=str(path), hint="leave out --decryptKey")
    return file


def _parse(file: InputFile) -> ModelProto:
    """The skeleton of the file as a protobuf message; it has a graph."""
    try:
        return _model_proto(file)
    except ConversionError:
        if isinstance(file, DecryptedFile) and not file.is_proved:
            message = "with this key it is no MindIR: the key is wrong, or the file is damaged"
            hint = "--decryptKey is the export's enc_key, its bytes in hexadecimal"
            raise fail("E304", message, path=str(file.path), hint=hint) from None
        raise


def _model_proto(file: InputFile) -> ModelProto:
    """The message, whoever made the bytes."""
    proto = ModelProto()
    try:
        proto.ParseFromString(skeleton(file))
    except WireError as problem:
        message = f"not a MindIR file, or damaged: {problem} (at byte {problem.offset} of {len(file)})"
        raise fail("E302", message, path=str(file.path), hint="export or copy the file again") from problem
    except (DecodeError, UnicodeDecodeError, RecursionError) as problem:
        raise fail("E302", "not a MindIR file, or damaged: it cannot be parsed", path=str(file.path)) from problem
    if not proto.HasField("graph") or not (proto.graph.node or proto.graph.parameter):
        raise fail("E302", "not a MindIR model: it holds no graph", path=str(file.path))
    return proto


@dataclass
class Reader:
    """Everything that the graphs of one file share. A name whose definition could not be read stands for None."""

    path: Path
    proto: ModelProto
    file: InputFile
    decryption: Decryption | None = None
    problems: Problems = field(default_factory=Problems)
    names: dict[str, Operand | None] = field(default_factory=dict)
    primitives: dict[str, PrimitiveProto] = field(default_factory=dict)
    decoded: dict[str, dict[str, Attr]] = field(default_factory=dict)

    def __post_init__(self) -> None:
        """Open the weights and index the primitive pool."""
        self.tensors = TensorSource(self.file, self.decryption)
        self.primitives = {primitive.name: primitive for primitive in self.proto.primitives}

    def problem(self, code: str, message: str, *, node: str | None = None, op: str | None = None) -> None:
        """Report a problem of this file."""
        self.problems.add(Problem(code, message, path=str(self.path), node=node, op=op))

    def model(self) -> Model:
        """All graphs; branches are known by name before any graph is read, since graphs refer to each other."""
        protos = [self.proto.graph, *self.proto.functions]
        readers = [GraphReader(self, proto, Graph(proto.name)) for proto in protos]
        for reader in readers:
            self.names[reader.proto.name] = reader.graph
        for reader in readers:
            reader.read_parameters()
        for reader in readers:
            reader.read()
        self.problems.raise_if_any()
        producer = f"{self.proto.producer_name} {self.proto.model_version or self.proto.producer_version}".strip()
        graphs = [reader.graph for reader in readers]
        version = str(self.proto.mind_ir_version)
        notes = self._unread(protos)
        return Model(graphs, Stage.SOURCE, str(self.path), producer, version, notes, self.tensors.files)

    def _unread(self, protos: list[GraphProto]) -> list[Note]:
        """Parameters that no node reads: they will not be in the file, and the user shall know."""
        parameters = (self.names.get(parameter.name) for proto in protos for parameter in proto.parameter)
        return [
            Note("dropped", f"parameter {value.name!r} is read by nothing, so it is not in the file")
            for value in parameters
            if isinstance(value, Value) and not value.users
        ]
