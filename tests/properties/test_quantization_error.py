"""8-bit arithmetic: no value moves by more than half a step."""

from __future__ import annotations

import numpy as np
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays

from converter.ir import QuantParam
from converter.ops.levels import round_away
from converter.quantize.arithmetic import ASYMMETRIC, corrected, quantize, scale_of

# Weights as networks have them; far smaller numbers are below the least range of a scale.
NUMBERS = st.floats(-1e4, 1e4, width=32, allow_subnormal=False)
WEIGHTS = arrays.arrays(np.float32, st.integers(1, 101), elements=NUMBERS)


@given(WEIGHTS)
def test_no_value_moves_by_more_than_half_a_step(weights: np.ndarray[tuple[int], np.dtype[np.float32]]) -> None:
    param = scale_of(weights.min(), weights.max())
    levels = quantize(weights, param)
    back = (levels.astype(np.float64) - param.zero_point) * param.scale
    rounding = 1e-5 * max(float(np.abs(weights).max()), param.scale)
    assert np.abs(weights - back).max() <= param.scale / 2 + rounding


@given(WEIGHTS)
def test_zero_falls_on_a_level(weights: np.ndarray[tuple[int], np.dtype[np.float32]]) -> None:
    param = scale_of(weights.min(), weights.max())
    assert ASYMMETRIC.low <= param.zero_point <= ASYMMETRIC.high
    assert quantize(np.zeros(1, np.float32), param)[0] == param.zero_point


@given(WEIGHTS)
def test_correction_keeps_the_mean(weights: np.ndarray[tuple[int], np.dtype[np.float32]]) -> None:
    param = scale_of(weights.min(), weights.max())
    levels = quantize(weights, param)
    fixed = corrected(weights, levels, param)
    plain = (levels.astype(np.float64) - fixed.zero_point) * fixed.scale
    back = plain * fixed.var_corr + fixed.mean_corr
    assert abs(back.mean() - weights.astype(np.float64).mean()) <= 1e-3 * max(float(np.abs(weights).max()), 1e-3)


@given(st.floats(-1e6, 1e6))
def test_halves_are_rounded_away_from_zero(number: float) -> None:
    rounded = float(round_away(np.float64(number)))
    assert rounded == np.sign(number) * np.floor(abs(number) + 0.5)


def test_a_weight_of_zeros_has_a_scale() -> None:
    param = scale_of(np.float32(0), np.float32(0))
    assert isinstance(param, QuantParam)
    assert param.scale > 0
    assert (quantize(np.zeros(3, np.float32), param) == param.zero_point).all()
