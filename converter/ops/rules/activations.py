"""Activations and their gradients: one Lite operator each, with the kind as a number, or compositions."""

from __future__ import annotations

from typing import TYPE_CHECKING

from converter.ops.adapters import activations as adapt
from converter.ops.adapters import activations_along_axis as axis
from converter.ops.adapters import activations_shrinking as shrinking
from converter.ops.adapters.arithmetic import composed
from converter.ops.rule import AttrRule, Rule, ignore, keep

if TYPE_CHECKING:
    from collections.abc import Mapping

    from converter.ops.context import Adapter

RELU, SIGMOID, RELU6, ELU, TANH, HSWISH, HSIGMOID, SWISH, GELU = 1, 2, 3, 4, 10, 12, 13, 18, 19


def activation(
    kind: int, attrs: Mapping[str, AttrRule] | None = None, *, adapter: Adapter | None = None, approximate: bool = False
) -> Rule:
    """An activation by its ActivationType."""
    return Rule("Activation", attrs or {}, {"activation_type": kind, "approximate": approximate}, adapter=adapter)


def gradient(kind: int) -> Rule:
    """Its gradient; MindIR has the inputs in the order that the device wants for each kind."""
    return Rule("ActivationGrad", sets={"activation_type": kind})


RULES: Mapping[str, Rule] = {
    "CeLU": Rule("", keep("alpha"), adapter=shrinking.celu),
    "ClampScalar": Rule("", adapter=shrinking.clamp),
    "ClampTensor": Rule("", adapter=shrinking.clamp),
    "Elu": activation(ELU, keep("alpha")),
    "EluExt": Rule("", keep("alpha"), adapter=shrinking.elu_with_slope),
    "EluGrad": Rule("", adapter=composed(adapt.elu_grad)),
    "EluGradExt": Rule("", keep("alpha"), adapter=shrinking.elu_with_slope_grad),
    "FastGeLU": Rule("", adapter=composed(shrinking.fast_gelu)),
    "FastGeLUGrad": Rule("", adapter=composed(shrinking.fast_gelu_grad)),
    "GeLU": activation(GELU, adapter=adapt.gelu, approximate=True),
    "GeluExt": Rule("", adapter=adapt.gelu_kind),
    "GeLUGrad": Rule("", adapter=adapt.gelu_grad),
    "GeluGradExt": Rule("", adapter=adapt.gelu_kind_grad),
    "Hardtanh": Rule("", adapter=shrinking.hard_tanh),
    "HardtanhGrad": Rule("", adapter=shrinking.hard_tanh_grad),
    "HShrink": Rule("", keep("lambd"), adapter=shrinking.hard_shrink),
    "HShrinkGrad": Rule("", keep("lambd"), adapter=shrinking.shrink_grad),
    "HSigmoid": activation(HSIGMOID),
    "HSigmoidGrad": gradient(HSIGMOID),
    "HSwish": activation(HSWISH),
    "HSwishGrad": gradient(HSWISH),
    "L2Normalize": Rule("", keep("axis", "epsilon"), adapter=axis.l2_normalize),
    "L2NormalizeGrad": Rule("", keep("axis", "epsilon"), adapter=axis.l2_normalize_grad),
    "LeakyReLUExt": Rule("", adapter=shrinking.leaky_relu),
    "LeakyReLUGradExt": Rule("", adapter=shrinking.leaky_relu_grad),
    "LogSoftmax": Rule("LogSoftmax", keep("axis")),
    "LogSoftmaxExt": Rule("", adapter=axis.log_softmax),
    "LogSoftmaxGrad": Rule("", keep("axis"), adapter=axis.log_softmax_grad),
    "Mish": Rule("", ignore("cust_aicpu"), adapter=composed(adapt.mish)),
    "MishExt": Rule("", adapter=composed(adapt.mish)),
    "MishGradExt": Rule("", adapter=composed(adapt.mish_grad)),
    "PReLU": Rule("PReLUFusion", adapter=adapt.prelu),
    "PReLUGrad": Rule("", adapter=adapt.prelu_grad),
    "ReLU": activation(RELU),
    "ReLU6": activation(RELU6),
    "ReLU6Grad": gradient(RELU6),
    "ReluGrad": gradient(RELU),
    "SeLU": Rule("", adapter=composed(adapt.selu)),
    "Sigmoid": activation(SIGMOID),
    "SigmoidGrad": gradient(SIGMOID),
    "SiLU": activation(SWISH),
    "SiLUGrad": Rule("", adapter=composed(adapt.silu_grad)),
    "SoftmaxBackward": Rule("", adapter=axis.softmax_grad),
    "Softplus": Rule("", adapter=composed(adapt.softplus)),
    "SoftplusExt": Rule("", adapter=shrinking.softplus_with_slope),
    "SoftplusGrad": Rule("", adapter=composed(adapt.softplus_grad)),
    "SoftplusGradExt": Rule("", adapter=shrinking.softplus_with_slope_grad),
    "SoftShrink": Rule("", keep("lambd"), adapter=shrinking.soft_shrink),
    "SoftShrinkGrad": Rule("", keep("lambd"), adapter=shrinking.shrink_grad),
    "Softsign": Rule("", adapter=composed(adapt.softsign)),
    "Tanh": activation(TANH, adapter=adapt.tanh),
    "TanhGrad": gradient(TANH),
}
