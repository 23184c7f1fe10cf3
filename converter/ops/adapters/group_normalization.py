"""Group and instance normalization, which the device cannot train: composed from means over groups of channels.

Groups that train are formed with the channels last, [N, H * W, groups, channels / group], as the device stores images:
the transposes written here cost nothing there. For inference there is a kernel that normalizes [N, groups, the rest],
which fusion finds (passes/fuse/normalization.py).
"""

from __future__ import annotations

from dataclasses import dataclass
from math import prod
from typing import TYPE_CHECKING

from converter.ir import DType
from converter.ir.editing import wire
from converter.ops.adapters.normalization import is_read
from converter.ops.compose import Composer
from converter.ops.context import literal_of
from converter.ops.layouts import RANK, TO_NCHW, TO_NHWC

if TYPE_CHECKING:
    from converter.ir import Node, Value
    from converter.ops.context import Context

_MOST_PIXELS = 1 << 14


@dataclass
class _Groups:
    """Images [N, C, H, W] whose channels are normalized in groups, and the composer that computes with them."""

    build: Composer
    shape: tuple[int, ...]
    count: int

    @property
    def statistics(self) -> tuple[int, ...]:
        """Shape of means and deviations."""
        return (self.shape[0], 1, self.count, 1) if self.trains else (self.shape[0], self.count, 1)

    @property
    def trains(self) -> bool:
        """Whether this is part of a training step."""
        return self.build.context.is_training

    def split(self, image: Value) -> Value:
        """[N, H * W, groups, channels / group], or [N, groups, channels / group * H * W]."""
        n, channels, height, width = self.shape
        if not self.trains:
            return self.build.reshape(image, (n, self.count, channels // self.count * height * width))
        last = self.build.transpose(image, TO_NHWC)
        return self.build.reshape(last, (n, height * width, self.count, channels // self.count))

    def join(self, groups: Value) -> Value:
        """The image again."""
        n, channels, height, width = self.shape
        if not self.trains:
            return self.build.reshape(groups, self.shape)
        return self.build.transpose(self.build.reshape(groups, (n, height, width, channels)), TO_NCHW)

    def mean(self, groups: Value) -> Value:
        """Mean of each group."""
        return self.build.mean(groups, (1, 3) if self.trains else (2,), keep=True)

    def live(self, parameter: Value) -> Value:
        """A parameter read afresh in every step: the device copies constant operands once."""
        shape = self.build.constant(list(parameter.type.shape or ()), DType.INT32)
        return self.build.op("Reshape", [parameter, shape])

    def scaled(self, image: Value, *parameters: Value) -> Value:
        """`image * gamma [+ beta]` along channels."""
        return self.build.op("ScaleFusion", [image, *map(self.live, parameters)], axis=RANK - 1)


def group_norm(context: Context, node: Node) -> None:
    """GroupNorm(x, groups, gamma, beta, epsilon) -> (y, mean, 1 / deviation)."""
    x, count, gamma, beta, epsilon = node.inputs
    _forward(context, node, (x, gamma, beta), (literal_of(count), literal_of(epsilon)))


def instance_norm(context: Context, node: Node) -> None:
    """InstanceNorm(x, gamma, beta, moving mean, moving variance): every channel is its own group.

    MindSpore never normalizes by the moving statistics, so they stay as they are. The kernel for inference loses digits
    of the variance when a channel has many pixels.
    """
    shape = node.inputs[0].type.shape or ()
    is_small = len(shape) == RANK and node.inputs[0].type.is_static and shape[2] * shape[3] <= _MOST_PIXELS
    if is_small and not context.is_training and not any(is_read(context, value) for value in node.outputs[1:]):
        node.op, node.attrs = "InstanceNorm", {"epsilon": node.attrs["epsilon"]}
        wire(node, node.inputs[:3], node.outputs[:1])
        return
    _forward(context, node, node.inputs[:3], (shape[1] if len(shape) == RANK else 0, node.attrs.pop("epsilon", 0.0)))
    if context.is_training:
        context.note("training", "the moving statistics of InstanceNorm are not updated; nothing reads them", node)


def group_norm_gradient(context: Context, node: Node) -> None:
    """GroupNormGrad(dy, x, mean, 1 / deviation, gamma, groups, …) -> (dx, dgamma, dbeta)."""
    dy, x, mean, inverse, gamma, count = node.inputs[:6]
    _backward(context, node, (dy, x, gamma, mean, inverse), literal_of(count))


def instance_norm_gradient(context: Context, node: Node) -> None:
    """InstanceNormGrad(dy, x, gamma, mean, 1 / deviation) -> (dx, dgamma, dbeta)."""
    dy, x, gamma, mean, inverse = node.inputs
    shape = x.type.shape or ()
    _backward(context, node, (dy, x, gamma, mean, inverse), shape[1] if len(shape) == RANK else 0)


def _groups(context: Context, node: Node, image: Value, count: object) -> _Groups | None:
    """The groups of an image; None, and a problem, when there are none."""
    shape = context.shape(node, image)
    if shape is None:
        return None
    if len(shape) < RANK - 1 or not isinstance(count, int) or count <= 0 or shape[1] % count:
        context.refuse("E202", node, f"cannot be formed: {count} groups of channels of {list(shape)}")
        return None
    four = (*shape[:2], prod(shape[2:-1]), shape[-1]) if len(shape) != RANK else shape
    return _Groups(Composer(context, node), four, count)


def _forward(context: Context, node: Node, operands: tuple[Value, ...], numbers: tuple[object, object]) -> None:
    """Normalize, scale, and leave mean and 1 / deviation for the gradient."""
    x, gamma, beta = operands
    count, epsilon = numbers
    groups = _groups(context, node, x, count)
    if groups is None:
        return
    build, full = groups.build, x.type.shape or ()
    view = groups.split(build.reshape(x, groups.shape))
    mean = groups.mean(view)
    centered = build.sub(view, mean)
    variance = groups.mean(build.square(centered))
    deviation = build.sqrt(build.add(variance, float(str(epsilon))))
    normal, inverse = groups.join(build.div(centered, deviation)), build.op("Reciprocal", [deviation])
    result = build.reshape(groups.scaled(normal, gamma, beta), full)
    build.replace(result, mean, inverse)


def _backward(context: Context, node: Node, operands: tuple[Value, ...], count: object) -> None:
    """With g = dy * gamma and xhat normalized: dx = (g - mean(g) - xhat * mean(g * xhat)) / deviation."""
    dy, x, gamma, mean, inverse = operands
    groups = _groups(context, node, x, count)
    if groups is None:
        return
    build, full = groups.build, x.type.shape or ()
    mean, inverse = (build.reshape(each, groups.statistics) for each in (mean, inverse))
    normal = build.mul(build.sub(groups.split(build.reshape(x, groups.shape)), mean), inverse)
    dy = build.reshape(dy, groups.shape)
    results = [dy, gamma, gamma]
    if is_read(context, node.outputs[1]):
        results[1] = build.op("BiasAddGrad", [build.mul(dy, groups.join(normal))], gamma.type)
    if is_read(context, node.outputs[2]):
        results[2] = build.op("BiasAddGrad", [dy], gamma.type)
    if is_read(context, node.outputs[0]):
        inner = groups.split(groups.scaled(dy, gamma))
        along = build.mul(normal, groups.mean(build.mul(inner, normal)))
        change = build.mul(build.sub(build.sub(inner, groups.mean(inner)), along), inverse)
        results[0] = build.reshape(groups.join(change), full)
    build.replace(*results)
