"""Constants that are scaled and shifted when their bytes are asked for."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from support.graphs import constant

from converter.ops import scaled
from converter.ops.scaled import affine, exact

FACTORS: dict[str, np.ndarray[Any, np.dtype[np.float64]]] = {
    "one number": np.array(1 / 3),
    "per row": np.linspace(0.1, 3, 7).reshape(7, 1, 1),
    "per column": np.linspace(0.1, 3, 5).reshape(5, 1),
    "of all rows": np.linspace(0.1, 3, 3).reshape(1, 1, 3),
}


@pytest.mark.parametrize("name", FACTORS)
def test_pieces_are_the_whole(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(scaled, "CHUNK", 100)  # a row and a half
    base = constant("w", 7, 5, 3).const
    assert base is not None
    tensor = affine(base, FACTORS[name], FACTORS[name] / 7)
    pieces = [bytes(piece) for piece in tensor.chunks()]
    assert len(pieces) == 7
    assert b"".join(pieces) == tensor.array().tobytes()
    np.testing.assert_array_equal(tensor.rows(2, 5), tensor.array()[2:5])


def test_what_is_composed_is_rounded_once() -> None:
    base = constant("w", 7, 5, 3).const
    assert base is not None
    tensor = affine(affine(base, 1 / 3, 1 / 7), FACTORS["per row"], -0.3)
    wanted = (base.array().astype(np.float64) / 3 + 1 / 7) * FACTORS["per row"] - 0.3
    np.testing.assert_allclose(exact(tensor), wanted, rtol=1e-15, atol=1e-16)
    np.testing.assert_array_equal(tensor.array(), wanted.astype(np.float32))
