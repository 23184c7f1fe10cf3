"""Single nodes in the official runtime: attributes that the recordings of the device leave at their defaults."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pytest
from official import predict
from support.graphs import lite, model, numbered, value
from support.one_operator import Fixed, converted, source

from converter.ir import DType
from converter.mslite.writer import lay_out
from converter.reference import run

if TYPE_CHECKING:
    from pathlib import Path

pytestmark = pytest.mark.oracle
X = np.linspace(-7.3, 8.1, 3 * 5 * 7, dtype=np.float32).reshape(3, 5, 7)


@pytest.mark.parametrize(("scale", "shift"), [(2.0, -1.0), (-0.7, 0.3)])
def test_a_power_of_one_scales_and_shifts(oracle: Path, tmp_path: Path, scale: float, shift: float) -> None:
    """2 * sigmoid - 1 is written so; a fused multiplication and addition may round once instead of twice."""
    x = value("x", *X.shape)
    node = lite("PowFusion", [x, numbered("one", np.array(1, np.float32))], name="y", scale=scale, shift=shift)
    sample = model([node], [x], node.outputs)
    with (tmp_path / "power.ms").open("wb") as file:
        lay_out(sample).write(file)
    (found,) = predict(oracle, tmp_path / "power.ms", {"in0": X}).values()
    np.testing.assert_allclose(found, run(sample, {"x": X})["y"], rtol=0, atol=1e-6)
    np.testing.assert_allclose(found, X * np.float32(scale) + np.float32(shift), rtol=0, atol=1e-6)


@pytest.mark.parametrize("axes", [(0,), (1,), (0, 1), (2,), (0, 1, 2), (1, 2)])
def test_the_largest_of_negative_numbers_is_negative(oracle: Path, tmp_path: Path, axes: tuple[int, ...]) -> None:
    """The runtime's own maximum over any axis but the last gives 1.18e-38, the least positive float."""
    result = np.empty(X.shape).max(axes).shape
    kind = (result, DType.FLOAT32)
    sample = converted(source("ReduceMax", [X, Fixed(np.array(axes))], [kind], {"keep_dims": False}))
    with (tmp_path / "max.ms").open("wb") as file:
        lay_out(sample).write(file)
    (found,) = predict(oracle, tmp_path / "max.ms", {"in0": X - 9}).values()
    np.testing.assert_array_equal(found.reshape(result), (X - 9).max(axes))
