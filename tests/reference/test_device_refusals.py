"""The 93 files that the device refuses or crashes on: every one is refused here too, with a located message."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest
from recordings import NAMES, case_inputs, cases, folder

from converter.errors import ConversionError
from converter.mslite.reader import read_model
from converter.reference import Session

if TYPE_CHECKING:
    from pathlib import Path

STEPS = 3
# Refused when the file is read, because the device's loader refuses it or its own tables do not hold together.
AT_LOAD = {
    "const_nodetype1",
    "const_nodetype2",
    "data_short",
    "dims_negative",
    "dims_zero",
    "dtype_missing_activation",
    "dtype_missing_const",
    "opt_adam_cosinelr_train",
}


def test_there_are_as_many_refusals_as_the_device_made() -> None:
    assert len(NAMES["refuse"]) == 93
    assert set(NAMES["refuse"]) == set(cases("refuse"))


def _train(path: Path, case: dict[str, Any]) -> None:
    session = Session(read_model(path))
    for _ in range(STEPS):
        session.step(case_inputs("refuse", case))


@pytest.mark.parametrize("name", NAMES["refuse"])
def test_refused(name: str) -> None:
    case = cases("refuse")[name]
    path = folder("refuse") / f"{name}.ms"
    is_refused_at_load = case["result"] == "load" or name in AT_LOAD
    with pytest.raises(ConversionError) as caught:
        _train(path, case)
    for problem in caught.value.problems:
        assert problem.code == ("E310" if is_refused_at_load else "E602")
        assert problem.path == str(path)
        assert problem.message


@pytest.mark.parametrize(
    ("name", "message"),
    [
        ("node_input_range", r"a node refers to tensor 999"),
        ("subgraph_empty_list", r"list of subgraphs is empty"),
        ("input_is_weight", r"the input 'a.weight' of subgraph 0 is a constant"),
        ("filter_grad_no_padlist", r"needs the attribute pad_list(.|\n)*node: Gradients/"),
        ("op_elu", r"has the operator Elu, which the device cannot run(.|\n)*node: .*ReLU-op4099 \(Elu\)"),
        ("label_out_of_range", r"has the label 7 with 5 classes(.|\n)*hint: labels must be int32"),
        ("momentum_lr_two", r"needs one number as input 2, has 2"),
        ("conv_weight_nchw", r"weight '0.weight' in the format NCHW(.|\n)*hint: images must be NHWC"),
    ],
)
def test_the_message_names_the_place(name: str, message: str) -> None:
    case = cases("refuse")[name]
    with pytest.raises(ConversionError, match=message):
        Session(read_model(folder("refuse") / f"{name}.ms")).step(case_inputs("refuse", case))
