"""Arithmetic element by element, comparisons, selections and reductions."""

from __future__ import annotations

from typing import TYPE_CHECKING

from converter.ops.adapters import arithmetic_products as products
from converter.ops.adapters import arithmetic_reductions as reductions
from converter.ops.adapters import arithmetic_selection as selection
from converter.ops.adapters.arithmetic import (
    composed,
    cosine,
    divide_no_nan,
    elementwise,
    extremum_grad,
    first_argument,
    logical,
    power,
    reciprocal_grad,
    rsqrt_grad,
    scaled,
    sign,
    trunc,
)
from converter.ops.compose import MAX, MEAN, MIN, SUM
from converter.ops.rule import AttrRule, Rule, ignore, keep, require

if TYPE_CHECKING:
    from collections.abc import Mapping


def plain(lite: str, **attrs: AttrRule) -> Rule:
    """Element by element, of the same name or another."""
    return Rule(lite, attrs, adapter=elementwise)


def reduction(mode: int) -> Rule:
    """A reduction by its ReduceMode; the axes are the second input."""
    attrs = {**keep("keep_dims"), **require(skip_mode=(False,))}
    return Rule("", attrs, adapter=reductions.reduction(mode))


# The exponential and logarithm of MindSpore 2.0 carry a general form, of which it only ever writes the natural one.
_NATURAL = {**require(base=(-1.0,), scale=(1.0,), shift=(0.0,)), **ignore("cust_aicpu")}
_WITH_INDEX = {**keep("axis", "keep_dims"), **ignore("dimension")}
_INDEX = {**keep("axis"), **ignore("output_type", "keep_dims", "outputT")}

_UNARY: Mapping[str, Rule] = {
    "Abs": plain("Abs"),
    "Ceil": plain("Ceil"),
    "Cos": Rule("", adapter=composed(cosine)),
    "Erf": plain("Erf", **ignore("cust_aicpu")),
    "Erfc": Rule("", ignore("cust_aicpu"), adapter=composed(lambda build, x: build.sub(1.0, build.op("Erf", [x])))),
    "Exp": plain("ExpFusion", **_NATURAL),
    "Expm1": Rule("", ignore("cust_aicpu"), adapter=composed(lambda build, x: build.sub(build.exp(x), 1.0))),
    "Floor": plain("Floor"),
    "Inv": plain("Reciprocal"),
    "Log": plain("Log", **_NATURAL),
    "Log1p": plain("Log1p", **ignore("cust_aicpu")),
    "LogicalNot": Rule("LogicalNot", adapter=logical),
    "Neg": plain("Neg"),
    "Reciprocal": plain("Reciprocal"),
    "Rint": plain("Round"),
    "Round": Rule("Round", ignore("cust_aicpu"), adapter=first_argument),
    "Rsqrt": Rule("", adapter=composed(lambda build, x: build.rsqrt(x))),
    "Sign": Rule("", ignore("cust_aicpu"), adapter=sign),
    "Sin": plain("Sin"),
    "Sqrt": plain("Sqrt"),
    "Square": plain("Square"),
    "Tan": Rule("", adapter=composed(lambda build, x: build.div(build.op("Sin", [x]), build.op("Cos", [x])))),
    "Trunc": Rule("", adapter=composed(trunc)),
}
_BINARY: Mapping[str, Rule] = {
    "Add": plain("AddFusion"),
    "AddN": Rule("AddN", ignore("n", "N")),
    "Div": plain("RealDiv"),
    "DivNoNan": Rule("", adapter=composed(divide_no_nan)),
    "Divs": plain("RealDiv"),
    "FloorDiv": plain("FloorDiv"),
    "FloorDivScalar": plain("FloorDiv"),
    "FloorMod": plain("FloorMod"),
    "FmodScalar": plain("Mod"),
    "FmodTensor": plain("Mod"),
    "Maximum": plain("Maximum"),
    "Minimum": plain("Minimum"),
    "Mod": plain("Mod"),
    "Mul": plain("MulFusion"),
    "Muls": plain("MulFusion"),
    "RealDiv": plain("RealDiv"),
    "RemainderTensorScalar": plain("FloorMod"),
    "RemainderTensorTensor": plain("FloorMod"),
    "SquaredDifference": plain("SquaredDifference"),
    "Sub": plain("SubFusion"),
    "TruncateMod": plain("Mod"),
    "AddExt": Rule("AddFusion", adapter=scaled),
    "AddScalar": Rule("AddFusion", adapter=scaled),
    "SubExt": Rule("SubFusion", adapter=scaled),
    "SubScalar": Rule("SubFusion", adapter=scaled),
    "Pow": Rule("", ignore("cust_aicpu"), adapter=power),
    "PowScalarTensor": Rule("", adapter=power),
    "PowTensorScalar": Rule("", adapter=power),
}
_COMPARISONS: Mapping[str, Rule] = {
    "Equal": plain("Equal"),
    "EqScalar": plain("Equal"),
    "Greater": plain("Greater"),
    "GreaterEqual": plain("GreaterEqual"),
    "GreaterEqualScalar": plain("GreaterEqual"),
    "GreaterScalar": plain("Greater"),
    "Less": plain("Less"),
    "LessEqual": plain("LessEqual"),
    "LessEqualScalar": plain("LessEqual"),
    "LessScalar": plain("Less"),
    "NeScalar": plain("NotEqual"),
    "NotEqual": plain("NotEqual"),
    "LogicalAnd": Rule("LogicalAnd", adapter=logical),
    "LogicalOr": Rule("LogicalOr", adapter=logical),
    "LogicalXor": plain("NotEqual", **ignore("cust_aicpu")),
}
_GRADIENTS: Mapping[str, Rule] = {
    "AbsGrad": Rule("AbsGrad"),
    "MaximumGrad": Rule("MaximumGrad", keep("grad_x", "grad_y"), adapter=extremum_grad),
    "MinimumGrad": Rule("MinimumGrad", keep("grad_x", "grad_y"), adapter=extremum_grad),
    "ReciprocalGrad": Rule("", adapter=composed(reciprocal_grad)),
    "InvGrad": Rule("", adapter=composed(reciprocal_grad)),
    "RsqrtGrad": Rule("", adapter=composed(rsqrt_grad)),
    "SqrtGrad": Rule("SqrtGrad"),
}
_SELECTIONS: Mapping[str, Rule] = {
    "GatherD": Rule("GatherD", ignore("dim"), adapter=selection.gather_along),
    "GatherDGradV2": Rule("", keep("dim"), adapter=selection.gather_along_grad),
    "MaskedFill": Rule("", ignore("cust_aicpu"), adapter=selection.masked_fill),
    "Select": Rule("Select", adapter=selection.select),
    "SelectV2": Rule("Select", adapter=selection.select),
}
_REDUCTIONS: Mapping[str, Rule] = {
    "ArgMaxExt": Rule("", adapter=reductions.position(MAX)),
    "ArgMaxWithValue": Rule("", _WITH_INDEX, adapter=reductions.extremum_with_index(MAX)),
    "ArgMinExt": Rule("", adapter=reductions.position(MIN)),
    "ArgMinWithValue": Rule("", _WITH_INDEX, adapter=reductions.extremum_with_index(MIN)),
    "Argmax": Rule("", _INDEX, adapter=reductions.position(MAX)),
    "Argmin": Rule("", _INDEX, adapter=reductions.position(MIN)),
    "CumSum": Rule("CumSum", keep("exclusive", "reverse"), adapter=reductions.cumulative_sum),
    "LpNorm": Rule("", keep("axis", "p", "keep_dims", "epsilon"), adapter=reductions.lp_norm),
    "Max": Rule("", adapter=reductions.extended(MAX)),
    "MaxDim": Rule("", adapter=reductions.extremum_along(MAX)),
    "MeanExt": Rule("", adapter=reductions.extended(MEAN)),
    "Min": Rule("", adapter=reductions.extended(MIN)),
    "MinDim": Rule("", adapter=reductions.extremum_along(MIN)),
    "ProdExt": Rule("", adapter=reductions.extended(reductions.PRODUCT)),
    "ReduceAll": Rule("", keep("keep_dims"), adapter=reductions.every),
    "ReduceAny": Rule("", keep("keep_dims"), adapter=reductions.some),
    "ReduceMax": reduction(MAX),
    "ReduceMean": reduction(MEAN),
    "ReduceMin": reduction(MIN),
    "ReduceProd": reduction(reductions.PRODUCT),
    "ReduceSum": reduction(SUM),
    "SquareSumAll": Rule("", adapter=reductions.square_sum_all),
    "Std": Rule("", adapter=reductions.spread(is_root=True)),
    "SumExt": Rule("", adapter=reductions.extended(SUM)),
    "Var": Rule("", adapter=reductions.spread(is_root=False)),
}
_PRODUCTS: Mapping[str, Rule] = {
    "Dense": Rule("", adapter=products.dense),
    "MatMulExt": Rule("", adapter=products.matrix_product),
    "Ones": Rule("", adapter=products.constant_of(1.0)),
    "Zeros": Rule("", adapter=products.constant_of(0.0)),
}
RULES: Mapping[str, Rule] = {
    **_UNARY,
    **_BINARY,
    **_COMPARISONS,
    **_GRADIENTS,
    **_SELECTIONS,
    **_REDUCTIONS,
    **_PRODUCTS,
}
