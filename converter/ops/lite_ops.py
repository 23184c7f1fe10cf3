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

    What else the layout must know: an operator that `is_linear` keeps the elements in their order whatever their axes;
    `axes` are the inputs and attributes that name axes, `per_axis` those that hold one row per axis, `masks` attributes
    with one bit per axis: such an operator can work channels last once they are renumbered.
    """

    inputs: tuple[int, int]
    nhwc: tuple[int, ...] = ()
    nhwc_outputs: tuple[int, ...] = ()
    kernels: tuple[int, ...] = ()
    follows: bool = False
    writes: tuple[int, ...] = ()
    quantized: tuple[int, ...] = ()
    is_linear: bool = False
    axes: tuple[int | str, ...] = ()
    per_axis: tuple[int | str, ...] = ()
    masks: tuple[str, ...] = ()


_UNARY = LiteOp((1, 1), follows=True)
_BINARY = LiteOp((2, 2), follows=True)

LITE_OPS: Mapping[str, LiteOp] = {
    "Abs": _UNARY,
    "AbsGrad": _BINARY,
    "Activation": _UNARY,
    "ActivationGrad": _BINARY,
    "Adam": LiteOp((10, 10), follows=True, writes=(0, 1, 2)),
    "AddFusion": _BINARY,
    "AddN": LiteOp((1, 1 << 16), follows=True),
    "ApplyMomentum": LiteOp((5, 5), follows=True, writes=(0, 1)),
    "ArgMaxFusion": LiteOp((1, 1)),
    "ArgMinFusion": LiteOp((1, 1)),
    "Assign": LiteOp((2, 2), follows=True, writes=(0,)),
    "AvgPoolFusion": LiteOp((1, 1), nhwc=(0,), nhwc_outputs=(0,)),
    "AvgPoolGrad": LiteOp((3, 3), nhwc=(0, 1, 2), nhwc_outputs=(0,)),
    "BatchNormGrad": LiteOp((6, 6), nhwc=(0, 1), nhwc_outputs=(0,)),
    "BiasAdd": LiteOp((2, 2), nhwc=(0,), nhwc_outputs=(0,)),
    "BiasAddGrad": LiteOp((1, 1), nhwc=(0,)),
    "BinaryCrossEntropy": LiteOp((2, 3)),
    "BinaryCrossEntropyGrad": LiteOp((3, 4)),
    "BroadcastTo": LiteOp((1, 1), per_axis=("shape",)),
    "Cast": LiteOp((2, 2), follows=True),
    "Call": LiteOp((1, 1)),
    "Ceil": _UNARY,
    "Concat": LiteOp((1, 1 << 16), axes=("axis",)),
    "Conv2DBackpropFilterFusion": LiteOp((3, 3), nhwc=(0, 1), nhwc_outputs=(0,)),
    "Conv2DBackpropInputFusion": LiteOp((3, 3), nhwc=(0,), nhwc_outputs=(0,), kernels=(1,)),
    "Conv2DFusion": LiteOp((2, 3), nhwc=(0,), nhwc_outputs=(0,), kernels=(1,), quantized=(1, 2)),
    "Conv2dTransposeFusion": LiteOp((2, 3), nhwc=(0,), nhwc_outputs=(0,), kernels=(1,), quantized=(1, 2)),
    "Cos": _UNARY,
    "CumSum": LiteOp((2, 2), axes=(1,)),
    "DivFusion": _BINARY,
    "Dropout": LiteOp((1, 1), follows=True),
    "DropoutGrad": _BINARY,
    "DynamicQuant": LiteOp((1, 1)),
    "Equal": _BINARY,
    "Erf": _UNARY,
    "ExpFusion": _UNARY,
    "ExpandDims": LiteOp((2, 2)),
    "Fill": LiteOp((2, 2)),
    "Flatten": LiteOp((1, 1), is_linear=True),
    "Floor": _UNARY,
    "FloorDiv": _BINARY,
    "FloorMod": _BINARY,
    "FusedBatchNorm": LiteOp((5, 5), nhwc=(0,), nhwc_outputs=(0,), writes=(3, 4)),
    "Gather": LiteOp((3, 3), quantized=(0,)),
    "GatherD": LiteOp((3, 3)),
    "GatherNd": LiteOp((2, 2)),
    "Greater": _BINARY,
    "GreaterEqual": _BINARY,
    "InstanceNorm": LiteOp((3, 3), nhwc=(0,), nhwc_outputs=(0,)),
    "L2NormalizeFusion": LiteOp((1, 1)),
    "LSTM": LiteOp((4, 4)),
    "LayerNormFusion": LiteOp((3, 3)),
    "LayerNormGrad": LiteOp((5, 5)),
    "Less": _BINARY,
    "LessEqual": _BINARY,
    "Log": _UNARY,
    "Log1p": _UNARY,
    "LogSoftmax": LiteOp((1, 1), axes=("axis",)),
    "LogicalAnd": _BINARY,
    "LogicalNot": _UNARY,
    "LogicalOr": _BINARY,
    "MatMulFusion": LiteOp((2, 3), quantized=(0, 1, 2)),
    "MaxPoolFusion": LiteOp((1, 1), nhwc=(0,), nhwc_outputs=(0,)),
    "MaxPoolGrad": LiteOp((3, 3), nhwc=(0, 1, 2), nhwc_outputs=(0,)),
    "Maximum": _BINARY,
    "MaximumGrad": LiteOp((3, 3), follows=True),
    "Minimum": _BINARY,
    "MinimumGrad": LiteOp((3, 3), follows=True),
    "Mod": _BINARY,
    "MulFusion": _BINARY,
    "Neg": _UNARY,
    "NotEqual": _BINARY,
    "OneHot": LiteOp((4, 4)),
    "PReLUFusion": LiteOp((2, 2), nhwc=(0,), nhwc_outputs=(0,)),
    "PadFusion": LiteOp((2, 3), per_axis=(1,)),
    "PartialFusion": LiteOp((1, 1 << 16)),
    "PowFusion": _BINARY,
    "QuantDTypeCast": LiteOp((1, 1)),
    "RealDiv": _BINARY,
    "Reciprocal": _UNARY,
    "ReduceFusion": LiteOp((2, 2), axes=(1,)),
    "Reshape": LiteOp((2, 2), is_linear=True),
    "Resize": LiteOp((1, 2), nhwc=(0,), nhwc_outputs=(0,)),
    "ResizeGrad": LiteOp((2, 2), nhwc=(0, 1), nhwc_outputs=(0,)),
    "ReverseSequence": LiteOp((2, 2)),
    "ReverseV2": LiteOp((1, 1), axes=("axis",)),
    "Round": _UNARY,
    "Rsqrt": _UNARY,
    "SGD": LiteOp((6, 6), follows=True, writes=(0, 3, 5)),
    "ScaleFusion": LiteOp((2, 3), nhwc=(0,), nhwc_outputs=(0,)),
    "ScatterNd": LiteOp((3, 3)),
    "ScatterNdUpdate": LiteOp((3, 3)),
    "Select": LiteOp((3, 3), follows=True),
    "Shape": LiteOp((1, 1)),
    "SigmoidCrossEntropyWithLogits": _BINARY,
    "SigmoidCrossEntropyWithLogitsGrad": LiteOp((3, 3), follows=True),
    "Sin": _UNARY,
    "SliceFusion": LiteOp((3, 3), per_axis=(1, 2)),
    "SmoothL1Loss": _BINARY,
    "SmoothL1LossGrad": LiteOp((3, 3), follows=True),
    "Softmax": LiteOp((1, 1), axes=("axis",)),
    "SoftmaxCrossEntropyWithLogits": LiteOp((2, 2)),
    "SparseSoftmaxCrossEntropyWithLogits": LiteOp((2, 2)),
    "Split": LiteOp((1, 1), axes=("axis",)),
    "Sqrt": _UNARY,
    "SqrtGrad": _BINARY,
    "Square": _UNARY,
    "SquaredDifference": _BINARY,
    "Squeeze": LiteOp((1, 1), axes=("axis",)),
    "Stack": LiteOp((1, 1 << 16)),
    "StridedSlice": LiteOp((3, 4), per_axis=(1, 2, 3), masks=("begin_mask", "end_mask")),
    "StridedSliceGrad": LiteOp((5, 5), per_axis=(1, 2, 3, 4), masks=("begin_mask", "end_mask")),
    "SubFusion": _BINARY,
    "Switch": LiteOp((3, 3)),
    "TensorScatterAdd": LiteOp((3, 3)),
    "TileFusion": LiteOp((2, 2), per_axis=(1,)),
    "Transpose": LiteOp((2, 2)),
    "UnsortedSegmentSum": LiteOp((3, 3)),
    "Unstack": LiteOp((1, 1)),
    "Where": LiteOp((3, 3), follows=True),
}

# Recognized by the device as optimizers; everything else that writes is a plain variable update.
OPTIMIZERS = frozenset({"Adam", "ApplyMomentum", "SGD"})
# Only quantized models for inference have them: the training runtime, which the table of kernels describes, has none.
QUANTIZED_ONLY = frozenset({"DynamicQuant", "QuantDTypeCast"})
