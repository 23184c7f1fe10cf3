"""Convolutions that the device has no kernel for, against the same computed group by group."""

from __future__ import annotations

import numpy as np
from support.one_operator import Fixed, compute, normal, operators

OP = "Conv2DTranspose"
SIZE = {"stride": (2, 2), "dilation": (1, 1), "pad_mode": 2, "pad_list": (0, 0, 0, 0)}


def test_a_transposed_convolution_in_groups_has_one_kernel_for_all() -> None:
    """VOLO's fold has one channel for each group of nine; the runtime refuses such groups when it opens the model."""
    x, kernel, groups = normal(2, 9, 5, 7), normal(9, 2, 3, 3, seed=5), 3
    shape = Fixed((2, 6, 11, 15))
    results = [(2, 6, 11, 15)]
    (found,) = compute(OP, x, Fixed(kernel), shape, results=results, group=groups, **SIZE)
    parts = [
        compute(OP, part, Fixed(own), Fixed((2, 2, 11, 15)), results=[(2, 2, 11, 15)], group=1, **SIZE)[0]
        for part, own in zip(np.split(x, groups, axis=1), np.split(kernel, groups), strict=True)
    ]
    np.testing.assert_allclose(found, np.concatenate(parts, axis=1), rtol=0, atol=1e-5)
    made = operators(OP, x, Fixed(kernel), shape, results=results, group=groups, **SIZE)
    assert made == ["Conv2dTransposeFusion", "Transpose"]


def test_a_transposed_convolution_of_a_channel_each_keeps_its_groups() -> None:
    x, kernel = normal(2, 5, 3, 7), normal(5, 1, 3, 3, seed=5)
    (found,) = compute(OP, x, Fixed(kernel), Fixed((2, 5, 7, 15)), results=[(2, 5, 7, 15)], group=5, **SIZE)
    own = compute(OP, x[:, 2:3], Fixed(kernel[2:3]), Fixed((2, 1, 7, 15)), results=[(2, 1, 7, 15)], group=1, **SIZE)
    np.testing.assert_allclose(found[:, 2:3], own[0], rtol=0, atol=1e-6)
