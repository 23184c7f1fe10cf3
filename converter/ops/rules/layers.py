"""Layers: convolutions, matrix products, biases."""

from __future__ import annotations

from typing import TYPE_CHECKING

from converter.ops.adapters.convolution import convolution, filter_gradient, input_gradient, transposed_convolution
from converter.ops.adapters.volume_convolution import convolution_3d, filter_gradient_3d, input_gradient_3d
from converter.ops.rule import NCHW_ONLY, PAD_MODES, AttrRule, Rule, enum, ignore, keep, pair, require, sized

if TYPE_CHECKING:
    from collections.abc import Mapping

_NHWC = {"format": 1}
_CONV = {
    **NCHW_ONLY,
    "kernel_size": AttrRule("kernel_size", pair),
    **keep("mode", "group", "out_channel", "pad_list"),
    **enum(pad_mode=PAD_MODES),
    **sized("stride", "dilation"),
    **ignore("pad", "groups"),
}
_VOLUME = {
    **require(format=("NCDHW", 2), data_format=("NCDHW", 2)),
    **keep("stride", "dilation", "pad_list"),
    **enum(pad_mode=PAD_MODES),
    **ignore("kernel_size", "mode", "out_channel", "pad", "groups", "group", "strides", "dilations", "offset_x"),
    **ignore("input_size", "filter_size"),
}
_MATMUL = {**keep("transpose_a", "transpose_b"), **ignore("transpose_x1", "transpose_x2", "adj_x1", "adj_x2")}

RULES: Mapping[str, Rule] = {
    "BatchMatMul": Rule("MatMulFusion", _MATMUL),
    "BiasAdd": Rule("BiasAdd", NCHW_ONLY),
    "BiasAddGrad": Rule("BiasAddGrad", NCHW_ONLY),
    "Conv2D": Rule("Conv2DFusion", _CONV, _NHWC, adapter=convolution),
    "Conv2DBackpropFilter": Rule("Conv2DBackpropFilterFusion", _CONV, _NHWC, adapter=filter_gradient),
    "Conv2DBackpropInput": Rule("Conv2DBackpropInputFusion", _CONV, _NHWC, adapter=input_gradient),
    "Conv2DTranspose": Rule("Conv2DBackpropInputFusion", _CONV, _NHWC, adapter=transposed_convolution),
    "Conv3D": Rule("", _VOLUME, adapter=convolution_3d),
    "Conv3DBackpropFilter": Rule("", _VOLUME, adapter=filter_gradient_3d),
    "Conv3DBackpropInput": Rule("", _VOLUME, adapter=input_gradient_3d),
    "MatMul": Rule("MatMulFusion", _MATMUL),
}
