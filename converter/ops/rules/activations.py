"""Activations and their gradients: one Lite operator each, with the kind as a number, or compositions."""

from __future__ import annotations

from typing import TYPE_CHECKING

from converter.ops.adapters import activations as adapt
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
    "Elu": activation(ELU, keep("alpha")),
    "EluGrad": Rule("", adapter=composed(adapt.elu_grad)),
    "FastGeLU": Rule("", adapter=composed(adapt.fast_gelu)),
    "GeLU": activation(GELU, adapter=adapt.gelu, approximate=True),
    "GeLUGrad": Rule("", adapter=adapt.gelu_grad),
    "HSigmoid": activation(HSIGMOID),
    "HSigmoidGrad": gradient(HSIGMOID),
    "HSwish": activation(HSWISH),
    "HSwishGrad": gradient(HSWISH),
    "L2Normalize": Rule("", keep("axis", "epsilon"), adapter=adapt.l2_normalize),
    "L2NormalizeGrad": Rule("", keep("axis", "epsilon"), adapter=adapt.l2_normalize_grad),
    "LogSoftmax": Rule("LogSoftmax", keep("axis")),
    "LogSoftmaxGrad": Rule("", keep("axis"), adapter=adapt.log_softmax_grad),
    "Mish": Rule("", ignore("cust_aicpu"), adapter=composed(adapt.mish)),
    "PReLU": Rule("PReLUFusion", adapter=adapt.prelu),
    "PReLUGrad": Rule("", adapter=adapt.prelu_grad),
    "ReLU": activation(RELU),
    "ReLU6": activation(RELU6),
    "ReLU6Grad": gradient(RELU6),
    "ReluGrad": gradient(RELU),
    "SeLU": Rule("", adapter=composed(adapt.selu)),
    "SiLU": activation(SWISH),
    "SiLUGrad": Rule("", adapter=composed(adapt.silu_grad)),
    "Sigmoid": activation(SIGMOID),
    "SigmoidGrad": gradient(SIGMOID),
    "SoftmaxBackward": Rule("", adapter=adapt.softmax_grad),
    "Softplus": Rule("", adapter=composed(adapt.softplus)),
    "SoftplusGrad": Rule("", adapter=composed(adapt.softplus_grad)),
    "Softsign": Rule("", adapter=composed(adapt.softsign)),
    "Tanh": activation(TANH, adapter=adapt.tanh),
    "TanhGrad": gradient(TANH),
}
