"""Our training `.ms` says what the official one says, beyond layout."""

from __future__ import annotations

from math import prod
from typing import TYPE_CHECKING

import numpy as np
import pytest
from ms_file import MsFile, MsTensor, read_ms, values
from official import convert
from ours import ZOO, convert_ours

if TYPE_CHECKING:
    from pathlib import Path

pytestmark = pytest.mark.oracle

WRITERS = ("ApplyMomentum", "SGD", "Adam", "Assign", "AssignAdd")
LEAST_PARAMETERS = 20  # five weights and biases, a slot of each
STEPS = [f"lenet_{o}_{loss}" for o in ("momentum", "sgd", "adam") for loss in ("sparse", "onehot", "mse")]


@pytest.fixture(scope="module", params=STEPS)
def both(
    request: pytest.FixtureRequest, oracle: Path, tmp_path_factory: pytest.TempPathFactory
) -> tuple[MsFile, MsFile]:
    """The same training step from our converter and from the official one."""
    folder = tmp_path_factory.mktemp("training")
    model = ZOO / "ms200" / f"{request.param}.mindir"
    done = convert_ours(model, folder / "ours.ms", is_training=True)
    assert done.returncode == 0, done.stdout + done.stderr
    assert convert(oracle, model, folder / "official.ms", is_training=True).status == 0
    return read_ms(folder / "ours.ms"), read_ms(folder / "official.ms")


def folded_nodes(file: MsFile) -> set[str]:
    """Nodes that read nothing but constants, directly or through one another: what a converter may compute itself."""
    known = {i for i, tensor in enumerate(file.tensors) if tensor.data}
    names: set[str] = set()
    for node in file.nodes:  # producers stand first
        if node.op not in WRITERS and known.issuperset(node.inputs):
            known.update(node.outputs)
            names.add(node.name)
    return names


def operators(file: MsFile) -> dict[str, str]:
    """Operator by node name; transposes and folding are each converter's own matter."""
    folded = folded_nodes(file)
    return {node.name: node.op for node in file.nodes if node.op != "Transpose" and node.name not in folded}


def parameters(file: MsFile) -> dict[str, MsTensor]:
    """The model's own floating-point constants. `Default/data-<n>` are literals, officially numbered."""
    named = {name: tensor for name, tensor in file.constants().items() if not name.startswith("Default/")}
    return {name: tensor for name, tensor in named.items() if values(tensor).dtype.kind == "f"}


def test_every_node_has_its_official_operator(both: tuple[MsFile, MsFile]) -> None:
    ours, official = both
    assert operators(ours) == operators(official)


def test_there_are_no_more_nodes_than_officially(both: tuple[MsFile, MsFile]) -> None:
    ours, official = both
    assert len(ours.nodes) <= len(official.nodes)


def test_constants_are_equal_but_for_the_layout_of_kernel_slots(both: tuple[MsFile, MsFile]) -> None:
    ours, official = both
    found, expected = ours.constants(), parameters(official)
    assert len(expected) >= LEAST_PARAMETERS
    assert not expected.keys() - found.keys()
    for name, tensor in expected.items():
        value = values(tensor)
        if (
            found[name].dims != tensor.dims and value.ndim == 4
        ):  # the official converter leaves slots in MindIR's layout
            value = value.transpose(0, 2, 3, 1)
        assert prod(found[name].dims) == prod(tensor.dims), name
        np.testing.assert_array_equal(values(found[name]).ravel(), value.ravel(), err_msg=name)


def test_inputs_and_outputs_are_the_official_ones(both: tuple[MsFile, MsFile]) -> None:
    ours, official = both
    for found, expected in ((ours.inputs, official.inputs), (ours.outputs, official.outputs)):
        described = [(ours.tensors[i].name, ours.tensors[i].dims, ours.tensors[i].data_type) for i in found]
        assert described == [(t.name, t.dims, t.data_type) for t in (official.tensors[i] for i in expected)]
