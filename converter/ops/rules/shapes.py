"""Shapes, axes and element types; joining, cutting, repeating."""

from __future__ import annotations

from typing import TYPE_CHECKING

from converter.ops.adapters import shapes, slicing, unknown_shapes
from converter.ops.rule import AttrRule, Rule, ignore, keep, listed, rename

if TYPE_CHECKING:
    from collections.abc import Mapping

_COUNTS = ignore("N", "inputNums", "num", "num_split")
_MASKS = keep(*slicing.MASKS)
_CONCAT = Rule("Concat", {**keep("axis"), **_COUNTS}, adapter=shapes.concat)
_STACK = Rule("Stack", {**keep("axis"), **_COUNTS}, adapter=unknown_shapes.stack)
_UNSTACK = Rule("Unstack", {**keep("axis"), **_COUNTS}, adapter=unknown_shapes.unstack)

RULES: Mapping[str, Rule] = {
    "BroadcastTo": Rule("BroadcastTo", {"shape": AttrRule(None)}, adapter=shapes.broadcast_to),
    "Cast": Rule("Cast", ignore("dst_type", "DstT", "SrcT"), adapter=shapes.cast),
    "Concat": _CONCAT,
    "DynamicShape": Rule("", adapter=unknown_shapes.dimensions),
    "ExpandDims": Rule("ExpandDims"),
    "Fill": Rule("", adapter=shapes.fill(2)),
    "FillV2": Rule("", adapter=shapes.fill(1)),
    "Flatten": Rule("Flatten", sets={"axis": 1}),
    "FlattenGrad": Rule("Reshape", adapter=shapes.reshape),
    "Identity": Rule("", adapter=shapes.identity),
    "OnesLike": Rule("", adapter=shapes.filled(1)),
    "OnesLikeExt": Rule("", adapter=shapes.filled(1)),
    "Range": Rule("", ignore("maxlen"), adapter=shapes.number_range),
    "Rank": Rule("", adapter=shapes.rank_of),
    "Reshape": Rule("Reshape", adapter=shapes.reshape),
    "ReverseSequence": Rule("ReverseSequence", keep("seq_dim", "batch_dim")),
    "ReverseV2": Rule("ReverseV2", listed("axis"), adapter=shapes.listed_axes),
    "ScalarAdd": Rule("AddFusion", adapter=unknown_shapes.scalar),
    "ScalarFloordiv": Rule("DivFusion", adapter=unknown_shapes.scalar),
    "ScalarMul": Rule("MulFusion", adapter=unknown_shapes.scalar),
    "ScalarSub": Rule("SubFusion", adapter=unknown_shapes.scalar),
    "Shape": Rule("", adapter=unknown_shapes.dimensions),
    "Size": Rule("", adapter=shapes.size_of),
    "Slice": Rule("SliceFusion", adapter=slicing.plain_slice),
    "Softmax": Rule("Softmax", listed("axis")),
    "Split": Rule("Split", {**keep("axis", "output_num", "size_splits"), **_COUNTS}, adapter=shapes.split),
    "SplitTensor": Rule("Split", adapter=shapes.split_by_arguments),
    "SplitWithSize": Rule("Split", adapter=shapes.split_by_arguments),
    "Squeeze": Rule("Squeeze", listed("axis"), adapter=shapes.listed_axes),
    "Stack": _STACK,
    "StackExt": Rule("Stack", rename(dim="axis"), adapter=unknown_shapes.stack),
    "StopGradient": Rule("", adapter=shapes.identity),
    "StridedSlice": Rule("", _MASKS, adapter=slicing.strided_slice),
    "StridedSliceGrad": Rule("", _MASKS, adapter=slicing.strided_slice_grad),
    "TensorMove": Rule("", adapter=shapes.identity),
    "TensorShape": Rule("", adapter=unknown_shapes.dimensions),
    "Tile": Rule("TileFusion", adapter=shapes.tile),
    "Transpose": Rule("Transpose", adapter=shapes.transpose),
    "Unstack": _UNSTACK,
    "Unpack": _UNSTACK,
    "Pack": _STACK,
    "ZerosLike": Rule("", adapter=shapes.filled(0)),
    "ZerosLikeExt": Rule("", adapter=shapes.filled(0)),
}
