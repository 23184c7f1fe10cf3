"""Grouped convolutions in training, where the device's kernel keeps the first weights or stops the program.

Few groups: one ordinary convolution per group, on parts of the image and the kernel. Many: one dense convolution whose
kernel is repeated along its input channels and masked, so that every group sees its own channels only; the gradient of
the kernel is the masked dense one, added up over the repetitions. Measured on the device: both exact.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from converter.ir import DType, TensorType, Value
from converter.ops.compose import Composer
from converter.ops.context import constant
from converter.ops.layouts import TO_NCHW, TO_NHWC

if TYPE_CHECKING:
    from collections.abc import Sequence

    from converter.ir import Attr, Node
    from converter.ops.context import Context

# Above, the nodes of the parts cost more than the multiplications by zero.
_MOST_PARTS = 8
_OUT, _IN = 0, 1


@dataclass
class _Grouped:
    """A grouped convolution or gradient that is being replaced. `kernel` is the shape [out, in / group, h, w]."""

    node: Node
    build: Composer
    count: int
    kernel: tuple[int, ...]

    @property
    def is_split(self) -> bool:
        """Whether there are few enough groups for a convolution each."""
        return self.count <= _MOST_PARTS

    def convolve(self, inputs: Sequence[Value], kind: TensorType, *, parts: int = 1) -> Value:
        """The same operator without groups, on one of `parts` parts."""
        out, own, *size = self.kernel
        channels = own if parts > 1 else own * self.count
        attrs: dict[str, Attr] = {**self.node.attrs, "group": 1, "in_channel": channels, "out_channel": out // parts}
        return self.build.op(self.node.op, inputs, kind, name="", **{**attrs, "kernel_size": tuple(size)})

    def parts(self, value: Value, axis: int) -> tuple[Value, ...]:
        """Equal parts along an axis; those of an earlier composition where there are some."""
        size = (value.type.shape or ())[axis] // self.count
        attrs: dict[str, Attr] = {"axis": axis, "output_num": self.count, "size_splits": (size,) * self.count}
        for user in value.users:
            is_same = user.op == "Split" and all(user.attrs.get(name) == item for name, item in attrs.items())
            if is_same and user.after == self.node.after:
                return user.outputs
        return self.build.ops("Split", [value], [self.part(value.type, axis)] * self.count, name="", **attrs)

    def part(self, kind: TensorType, axis: int) -> TensorType:
        """Type of one part."""
        shape = kind.shape or ()
        return TensorType(kind.dtype, tuple(dim // self.count if i == axis else dim for i, dim in enumerate(shape)))

    def join(self, parts: Sequence[Value], axis: int) -> Value:
        """All parts along an axis."""
        return self.build.op("Concat", parts, self.node.outputs[0].type, axis=axis)

    def belongs(self) -> np.ndarray[Any, np.dtype[Any]]:
        """1.0 where an input channel belongs to the group of an output channel: [out, in, 1, 1]."""
        out, own = self.kernel[:2]
        groups = np.kron(np.eye(self.count), np.ones((out // self.count, own)))
        return groups.reshape(*groups.shape, 1, 1)

    def mask(self) -> Value:
        """The same as a constant that all convolutions of these sizes share."""
        out, own = self.kernel[:2]
        return self.build.context.shared(f"groups_{out}_{own}_{self.count}", self.belongs().tolist())

    def dense(self, kernel: Value) -> Value:
        """The kernel for all input channels; that of an earlier composition where there is one."""
        for user in kernel.users:
            if user.op == "TileFusion" and user.after == self.node.after and user.outputs[0].users:
                return user.outputs[0].users[0].outputs[0]
        out, own, *size = self.kernel
        times = self.build.constant([1, self.count, 1, 1], DType.INT32)
        kind = TensorType(kernel.type.dtype, (out, own * self.count, *size))
        return self.build.mul(self.build.op("TileFusion", [kernel, times], kind), self.mask())

    def shape(self, dims: Sequence[int]) -> Value:
        """A shape as an argument."""
        return self.build.constant(list(dims), DType.INT32)


def needs_parts(context: Context, node: Node, image: tuple[int, ...], kernel: tuple[int, ...]) -> bool:
    """Whether a convolution trains, and has groups of more than a channel each."""
    group = node.attrs["group"]
    is_depthwise = group == image[1] == kernel[0]
    return context.is_training and group != 1 and not is_depthwise


def ungrouped_kernel(context: Context, node: Node, kernel: tuple[int, ...]) -> Value:
    """The kernel [in, out / group, h, w] of a transposed convolution, for all output channels: zeros between groups.

    The device's kernel for inference takes no groups but those of a channel each.
    """
    work = _Grouped(node, Composer(context, node), int(str(node.attrs["group"])), kernel)
    weight = node.inputs[1]
    if weight.const is None:
        return work.dense(weight)
    numbers = np.tile(weight.const.array(), (1, work.count, 1, 1)) * work.belongs()
    return constant(f"{weight.name}_ungrouped", numbers.astype(weight.const.dtype.numpy))


def grouped(context: Context, node: Node, kernel: tuple[int, ...]) -> None:
    """Forward (x, kernel)."""
    work = _Grouped(node, Composer(context, node), int(str(node.attrs["group"])), kernel)
    x, weight = node.inputs
    kind = node.outputs[0].type
    if not work.is_split:
        work.build.replace(work.convolve([x, work.dense(weight)], kind))
        return
    pairs = zip(work.parts(x, _IN), work.parts(weight, _OUT), strict=True)
    made = [work.convolve(pair, work.part(kind, _IN), parts=work.count) for pair in pairs]
    work.build.replace(work.join(made, _IN))


def grouped_input_gradient(context: Context, node: Node, kernel: tuple[int, ...]) -> None:
    """Gradient of the image (dy, kernel, shape)."""
    work = _Grouped(node, Composer(context, node), int(str(node.attrs["group"])), kernel)
    dy, weight = node.inputs[:2]
    kind = node.outputs[0].type
    if not work.is_split:
        work.build.replace(work.convolve([dy, work.dense(weight), node.inputs[2]], kind))
        return
    own = work.part(kind, _IN)
    pairs = zip(work.parts(dy, _IN), work.parts(weight, _OUT), strict=True)
    made = [work.convolve([*pair, work.shape(own.shape or ())], own, parts=work.count) for pair in pairs]
    work.build.replace(work.join(made, _IN))


def grouped_filter_gradient(context: Context, node: Node, kernel: tuple[int, ...]) -> None:
    """Gradient of the kernel (dy, x, shape)."""
    work = _Grouped(node, Composer(context, node), int(str(node.attrs["group"])), kernel)
    dy, x = node.inputs[:2]
    kind = node.outputs[0].type
    if work.is_split:
        own = work.part(kind, _OUT)
        pairs = zip(work.parts(dy, _IN), work.parts(x, _IN), strict=True)
        made = [work.convolve([*pair, work.shape(own.shape or ())], own, parts=work.count) for pair in pairs]
        work.build.replace(work.join(made, _OUT))
        return
    out, channels, height, width = kernel
    full = (out, channels * work.count, height, width)
    dense = work.convolve([dy, x, work.shape(full)], TensorType(kind.dtype, full))
    build = work.build
    last = build.transpose(build.mul(dense, work.mask()), TO_NHWC)
    groups = build.reshape(last, (out, height * width, work.count, channels))
    total = build.reshape(build.sum(groups, [2]), (out, height, width, channels))
    build.replace(build.transpose(total, TO_NCHW))
