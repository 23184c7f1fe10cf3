"""Optimizers and learning-rate schedules by name; each entry makes an optimizer for a network."""

from __future__ import annotations

from mindspore import nn
from stand_ins import LambByHand, LarsByHand


def _momentum(rate, **options):
    return lambda net: nn.Momentum(net.trainable_params(), rate() if callable(rate) else rate, 0.9, **options)


def _sgd(**options):
    return lambda net: nn.SGD(net.trainable_params(), 0.005, **options)


def _adam(rate=3e-3, **options):
    return lambda net: nn.Adam(net.trainable_params(), rate() if callable(rate) else rate, **options)


def _plain(kind: str, rate: float, **options):
    return lambda net: getattr(nn, kind)(net.trainable_params(), rate, **options)


def _ftrl(net: nn.Cell) -> nn.Cell:
    return nn.FTRL(net.trainable_params(), learning_rate=0.05, l1=1e-3, l2=1e-3)


def _lars(kind=nn.LARS, decay: float = 0.0, **options):
    def build(net: nn.Cell) -> nn.Cell:
        inner = nn.Momentum(net.trainable_params(), 0.1, 0.9, weight_decay=decay)
        return kind(inner, epsilon=1e-5, coefficient=0.02, lars_filter=_is_no_bias, **options)

    return build


def _is_no_bias(param) -> bool:
    return "bias" not in param.name


def _halves(net: nn.Cell) -> tuple[list, list]:
    """Kernels and biases."""
    params = net.trainable_params()
    return [one for one in params if "bias" not in one.name], [one for one in params if "bias" in one.name]


def _group_rates(net: nn.Cell) -> nn.Cell:
    kernels, biases = _halves(net)
    return nn.Momentum([{"params": kernels, "lr": 0.002}, {"params": biases, "lr": 0.005}], 0.01, 0.9)


def _group_decay(net: nn.Cell) -> nn.Cell:
    kernels, biases = _halves(net)
    groups = [{"params": kernels, "weight_decay": 0.05}, {"params": biases}, {"order_params": net.trainable_params()}]
    return nn.Adam(groups, 3e-3)


def _group_schedules(net: nn.Cell) -> nn.Cell:
    kernels, biases = _halves(net)
    groups = [{"params": kernels, "lr": nn.ExponentialDecayLR(0.005, 0.8, 3)}, {"params": biases}]
    return nn.SGD(groups, 0.002, momentum=0.9)


def _group_central(net: nn.Cell) -> nn.Cell:
    kernels, biases = _halves(net)
    return nn.Momentum([{"params": kernels, "grad_centralization": True}, {"params": biases}], 0.002, 0.9)


def _dense_only(net: nn.Cell) -> nn.Cell:
    """Train the dense layer; the convolution is frozen."""
    for param in net.conv.get_parameters():
        param.requires_grad = False
    return nn.Momentum(net.trainable_params(), 0.005, 0.9)


PLAIN = {
    "momentum": _momentum(0.002),
    "momentum_lenet": _momentum(0.01),
    "momentum_network": _momentum(0.0005),
    "momentum_slow": _momentum(0.0002),
    "momentum_nesterov": _momentum(0.002, use_nesterov=True),
    "momentum_decay_scale": _momentum(0.002, weight_decay=0.05, loss_scale=8.0),
    "sgd": lambda net: nn.SGD(net.trainable_params(), learning_rate=0.01, momentum=0.9),
    "sgd_plain": lambda net: nn.SGD(net.trainable_params(), 0.05),
    "sgd_dampening": _sgd(momentum=0.9, dampening=0.3),
    "sgd_nesterov": _sgd(momentum=0.9, nesterov=True),
    "sgd_decay": _sgd(momentum=0.9, weight_decay=0.05),
    "sgd_scale": _sgd(momentum=0.9, loss_scale=4.0),
    "adam": lambda net: nn.Adam(net.trainable_params(), learning_rate=1e-3),
    "adam_fast": _adam(),
    "adam_nesterov": _adam(use_nesterov=True),
    "adam_decay": _adam(weight_decay=0.05),
    "adam_betas": _adam(beta1=0.8, beta2=0.9, eps=1e-4),
    "adam_amsgrad": _adam(use_amsgrad=True),
    "adam_scale": _adam(loss_scale=4.0),
    "adamweightdecay": _plain("AdamWeightDecay", 2e-3, weight_decay=0.05),
    "adamax": _plain("AdaMax", 3e-3),
    "adagrad": _plain("Adagrad", 0.05),
    "adadelta": _plain("Adadelta", 1.0),
    "adafactor": lambda net: nn.AdaFactor(
        net.trainable_params(), scale_parameter=False, relative_step=False, learning_rate=1e-2, warmup_init=False
    ),
    "rmsprop": _plain("RMSProp", 5e-3),
    "rmsprop_centered": _plain("RMSProp", 5e-3, centered=True),
    "rmsprop_momentum": _plain("RMSProp", 5e-3, momentum=0.9, decay=0.8),
    "ftrl": _ftrl,
    "lamb": _plain("Lamb", 0.02),
    "lamb_decay": _plain("Lamb", 0.02, weight_decay=0.05),
    "lamb_by_hand": lambda net: LambByHand(net.trainable_params(), 0.02),
    "lamb_decay_by_hand": lambda net: LambByHand(net.trainable_params(), 0.02, weight_decay=0.05),
    "lars": _lars(),
    "lars_decay": _lars(decay=0.05),
    "lars_by_hand": _lars(LarsByHand),
    "lars_decay_by_hand": _lars(LarsByHand, 0.05, decay_rate=0.05),
    "lazyadam": _plain("LazyAdam", 3e-3),
    "adamoffload": _plain("AdamOffload", 3e-3),
    "proximaladagrad": _plain("ProximalAdagrad", 0.05),
    "asgd": _plain("ASGD", 0.05),
    "rprop": _plain("Rprop", 0.002),
}

GROUPS = {
    "group_rates": _group_rates,
    "group_decay": _group_decay,
    "group_schedules": _group_schedules,
    "group_central": _group_central,
    "frozen_conv": _dense_only,
}

SCHEDULES = {
    "list": _momentum([0.005, 0.005, 0.004, 0.003, 0.002, 0.002, 0.001, 0.001, 0.0005, 0.0001]),
    "piecewise": _momentum(lambda: nn.piecewise_constant_lr([3, 7, 10], [0.005, 0.002, 0.001])),
    "exponential": _momentum(lambda: nn.ExponentialDecayLR(0.005, 0.8, 3)),
    "exponential_stair": _momentum(lambda: nn.ExponentialDecayLR(0.005, 0.8, 3, is_stair=True)),
    "natural_exp": _momentum(lambda: nn.NaturalExpDecayLR(0.005, 0.8, 3)),
    "inverse": _momentum(lambda: nn.InverseDecayLR(0.005, 0.5, 3)),
    "cosine": _momentum(lambda: nn.CosineDecayLR(0.0001, 0.005, 7)),
    "polynomial": _momentum(lambda: nn.PolynomialDecayLR(0.005, 0.0005, 7, 2.0)),
    "polynomial_cycle": _momentum(lambda: nn.PolynomialDecayLR(0.005, 0.0005, 4, 2.0, update_decay_steps=True)),
    "warmup": _momentum(lambda: nn.WarmUpLR(0.005, 7)),
    "adam_cosine": _adam(lambda: nn.CosineDecayLR(0.0002, 0.004, 7)),
    "adam_list": _adam(lambda: nn.cosine_decay_lr(0.0002, 0.004, 10, 5, 2)),
}

OPTIMIZERS = {
    **PLAIN,
    **GROUPS,
    **{f"lr_{name}": build for name, build in SCHEDULES.items()},
}
