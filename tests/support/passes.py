"""The six checks that every pass gets for free, over every sample graph."""

from __future__ import annotations

import hashlib
from typing import TYPE_CHECKING

import numpy as np

from converter.ir import Layout, Model, Stage
from converter.ir.printer import model_text
from converter.ir.verifier import problems_of
from converter.passes.schedule.order import hazards
from converter.reference import Session
from support.models import stored_bytes

if TYPE_CHECKING:
    from converter.ir import Value
    from converter.passes.base import Pass
    from support.zoo import Array

# What a pass may change about inputs and outputs, because that is what it is for.
MAY_CHANGE_TYPES = frozenset({"narrow-types", "adapt-operators", "channels-last"})
MAY_RENAME = frozenset({"name-everything"})
MAY_MAKE_GRAPHS = frozenset({"resolve-control-flow"})
_TO_NCHW = (0, 3, 1, 2)
_TO_NHWC = (0, 2, 3, 1)
_IMAGE_RANK = 4
_TOLERANCE = 1e-6


def fingerprint(model: Model) -> str:
    """Everything about a model as text: wiring, attributes, types, and the bytes of constants."""
    constants = {id(v): v for graph in model.graphs for v in graph.constants()}
    digests = [f"{v.name} {v.layout.name} {hashlib.sha256(stored_bytes(v)).hexdigest()}" for v in constants.values()]
    return "\n".join([model_text(model), *digests])


def apply_pass(each: Pass, model: Model) -> bool:
    """Run one pass on a model, with the checks of the architecture; returns whether it changed anything."""
    before = fingerprint(model)
    names = interface_names(model)
    types = interface_types(model)
    outputs = run_tiny(model)

    changed = each.run(model)

    after = fingerprint(model)
    assert problems_of(model) == [], "valid after the pass, with an origin on every node"
    assert changed == (before != after), "says truthfully whether it changed anything"
    kept = 1 if each.name in MAY_MAKE_GRAPHS else len(names)
    assert kept == 1 or kept == len(interface_names(model)), "as many graphs"
    if each.name not in MAY_RENAME:
        assert interface_names(model)[:kept] == names[:kept], "inputs and outputs keep their names and order"
    if each.name not in MAY_CHANGE_TYPES:
        assert interface_types(model)[:kept] == types[:kept], "inputs and outputs keep their types"
    if outputs is not None:
        assert_same_numbers(run_tiny(model), outputs)
    assert not each.run(model), "a second run says that it changed nothing"
    assert fingerprint(model) == after, "a second run changes nothing"
    return changed


def interface_names(model: Model) -> list[tuple[list[str], int]]:
    """Input names and the number of outputs, per graph: outputs are renamed when their maker is replaced."""
    return [([value.name for value in graph.inputs], len(graph.outputs)) for graph in model.graphs]


def interface_types(model: Model) -> list[tuple[list[str], list[str]]]:
    return [
        ([str(value.type) for value in graph.inputs], [str(value.type) for value in graph.outputs])
        for graph in model.graphs
    ]


def run_tiny(model: Model) -> list[Array] | None:
    """Outputs and constants after one step on repeatable inputs, in MindIR's layout; None where nothing can run yet."""
    if model.stage is Stage.SOURCE or not is_ready_for_the_device(model):
        return None
    session = Session(model)
    inputs = [numbers_for(value) for value in model.main.inputs]
    session.step(inputs)
    results = {name: array for name, array in session.constants().items() if name in session.variables()}
    return [*session.infer(inputs).values(), *(results[name] for name in sorted(results))]


def is_ready_for_the_device(model: Model) -> bool:
    """Behind the layout pass images are channels last where they must be; behind `schedule` orders are kept."""
    if any(hazards(graph) for graph in model.graphs):
        return False
    if any(value.producer not in graph.nodes for graph in model.graphs[1:] for value in graph.outputs):
        return False
    images = [
        value
        for node in model.main.nodes
        if "Conv2D" in node.op or "Pool" in node.op
        for value in node.inputs
        if value.type.rank == _IMAGE_RANK
    ]
    return all(value.layout is not Layout.NCHW for value in images)


def numbers_for(value: Value) -> Array:
    """The same numbers whichever layout the input has by now; an unknown dimension is 2."""
    shape = tuple(2 if dim < 0 else dim for dim in value.type.shape or ())
    is_moved = value.layout is Layout.NHWC and len(shape) == _IMAGE_RANK
    original = tuple(shape[axis] for axis in _TO_NCHW) if is_moved else shape
    generator = np.random.default_rng(sum(original))
    numbers = (
        generator.normal(size=original) if value.type.dtype.numpy.kind == "f" else generator.integers(0, 2, original)
    )
    array = numbers.astype(value.type.dtype.numpy)
    return array.transpose(_TO_NHWC) if is_moved else array


def assert_same_numbers(found: list[Array] | None, expected: list[Array]) -> None:
    assert found is not None
    for one, other in zip(found, expected, strict=True):
        moved = one.transpose(_TO_NCHW) if one.shape != other.shape and one.ndim == _IMAGE_RANK else one
        np.testing.assert_allclose(moved, other, rtol=_TOLERANCE, atol=_TOLERANCE)
