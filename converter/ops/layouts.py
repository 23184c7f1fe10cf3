"""The two orders of the axes of an image: MindIR's (N, C, H, W) and the device's (N, H, W, C)."""

from __future__ import annotations

RANK = 4
TO_NHWC = (0, 2, 3, 1)
TO_NCHW = (0, 3, 1, 2)
