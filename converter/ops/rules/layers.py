"""Layers: convolutions, matrix products, biases."""

from __future__ import annotations

from typing import TYPE_CHECKING

from converter.ops.adapters.convolution import convolution, filter_gradient, input_gradient, transposed_convolution
from converter.ops.rule import NCHW_ONLY, PAD_MODES, AttrRule, Rule, enum, ignore, keep, pair, sized

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
_MATMUL = {**keep("transpose_a", "transpose_b"), **ignore("transpose_x1", "transpose_x2", "adj_x1", "adj_x2")}

RULES: Mapping[str, Rule] = {
    "BatchMatMul": Rule("MatMulFusion", _MATMUL),
    "BiasAdd": Rule("BiasAdd", NCHW_ONLY),
    "BiasAddGrad": Rule("BiasAddGrad", NCHW_ONLY),
    "Conv2D": Rule("Conv2DFusion", _CONV, _NHWC, adapter=convolution),
    "Conv2DBackpropFilter": Rule("Conv2DBackpropFilterFusion", _CONV, _NHWC, adapter=filter_gradient),
    "Conv2DBackpropInput": Rule("Conv2DBackpropInputFusion", _CONV, _NHWC, adapter=input_gradient),
    "Conv2DTranspose": Rule("Conv2DBackpropInputFusion", _CONV, _NHWC, adapter=transposed_convolution),
    "MatMul": Rule("MatMulFusion", _MATMUL),
}
