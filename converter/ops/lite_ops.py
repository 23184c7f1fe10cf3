"""One row per Lite operator that the converter writes: inputs, layout, side effects, quantization.

Sources: inference functions and kernels of the device runtime 2.2 (facts: RUNTIME_REQUIREMENTS, sections 2, 5, 6).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping


@dataclass(frozen=True)
class LiteOp:
    """What a Lite operator is.

    `inputs` is the least and the greatest number of inputs. A rank-4 tensor at an input in `nhwc` or an output in
    `nhwc_outputs` has its channels last; at an input in `kernels` it is a convolution kernel, KHWC. An operator that
    `follows` computes element by element, so it takes whatever layout its inputs share. `writes` are inputs updated in
    place; an operator that writes is kept although nobody reads its output. `quantized` are inputs whose weights
    WEIGHT_QUANT stores as integers.
    """

    inputs: tuple[int, int]
    nhwc: tuple[int, ...] = ()
    nhwc_outputs: tuple[int, ...] = ()
    kernels: tuple[int, ...] = ()
    follows: bool = False
    writes: tuple[int, ...] = ()
    quantized: tuple[int, ...] = ()


_UNARY = LiteOp((1, 1), follows=True)
_BINARY = LiteOp((2, 2), follows=True)

LITE_OPS: Mapping[str, LiteOp] = {
    "Abs": _UNARY,
    "Activation": _UNARY,
    "ActivationGrad": _BINARY,
    "Adam": LiteOp((10, 10), follows=True, writes=(0, 1, 2), quantized=(1, 2)),
    "AddFusion": _BINARY,
    "AddN": LiteOp((1, 1 << 16), follows=True),
    "ApplyMomentum": LiteOp((5, 5), follows=True, writes=(0, 1), quantized=(1,)),
    "Assign": LiteOp((2, 2), follows=True, writes=(0,)),
    "AvgPoolFusion": LiteOp((1, 1), nhwc=(0,), nhwc_outputs=(0,)),
    "BiasAdd": LiteOp((2, 2), nhwc=(0,), nhwc_outputs=(0,)),
    "BiasAddGrad": LiteOp((1, 1), nhwc=(0,)),
    "BinaryCrossEntropy": LiteOp((2, 3)),
    "Cast": LiteOp((2, 2), follows=True),
    "Conv2DBackpropFilterFusion": LiteOp((3, 3), nhwc=(0, 1), nhwc_outputs=(0,)),
    "Conv2DBackpropInputFusion": LiteOp((3, 3), nhwc=(0,), nhwc_outputs=(0,), kernels=(1,)),
    "Conv2DFusion": LiteOp((2, 3), nhwc=(0,), nhwc_outputs=(0,), kernels=(1,), quantized=(1, 2)),
    "ExpFusion": _UNARY,
    "ExpandDims": LiteOp((2, 2)),
    "Flatten": LiteOp((1, 1)),
    "Log": _UNARY,
    "MatMulFusion": LiteOp((2, 3), quantized=(0, 1, 2)),
    "MaxPoolFusion": LiteOp((1, 1), nhwc=(0,), nhwc_outputs=(0,)),
    "MaxPoolGrad": LiteOp((3, 3), nhwc=(0, 1, 2), nhwc_outputs=(0,)),
    "MulFusion": _BINARY,
    "Neg": _UNARY,
    "RealDiv": _BINARY,
    "ReduceFusion": LiteOp((2, 2)),
    "Reshape": LiteOp((2, 2)),
    "Rsqrt": _UNARY,
    "SGD": LiteOp((6, 6), follows=True, writes=(0, 3, 5), quantized=(3, 5)),
    "Softmax": LiteOp((1, 1)),
    "SoftmaxCrossEntropyWithLogits": LiteOp((2, 2)),
    "SparseSoftmaxCrossEntropyWithLogits": LiteOp((2, 2)),
    "Sqrt": _UNARY,
    "Square": _UNARY,
    "Squeeze": LiteOp((1, 1)),
    "SubFusion": _BINARY,
    "TileFusion": LiteOp((2, 2)),
    "Transpose": LiteOp((2, 2)),
}

# Recognized by the device as optimizers; everything else that writes is a plain variable update.
OPTIMIZERS = frozenset({"Adam", "ApplyMomentum", "SGD"})
