"""Rules about single nodes: what the device refuses, or computes wrongly without a word.

Each rule looks at one node of certain operators and returns what is wrong, or None. Source: recordings of the device's
training runtime (facts: DEVICE_RECIPES section 0, device/quirks), where every one of these was measured.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, TypeAlias

from converter.ir import DType, Layout
from converter.ops.layouts import RANK
from converter.ops.lite_ops import LITE_OPS, OPTIMIZERS
from converter.passes.adapt.live_operands import BROADCASTING

if TYPE_CHECKING:
    from converter.ir import Attr, Node, Value

CONVOLUTIONS = ("Conv2DFusion", "Conv2DBackpropFilterFusion", "Conv2DBackpropInputFusion")
_PRODUCTS = ("Conv2DFusion", "MatMulFusion", "FullConnection")
_SIGMOID, _ELU, _TANH, _GELU = 2, 4, 10, 19
_LEARNING_RATE = {"ApplyMomentum": 2, "SGD": 2, "Adam": 5}
_GRADIENT = {"ApplyMomentum": 3, "SGD": 1, "Adam": 9}
_MATVEC_DEPTH, _MATVEC_WIDTH = 1500, 128


@dataclass(frozen=True)
class Facts:
    """What a rule may know besides the node: the constants that change while the model trains."""

    variables: frozenset[int]

    def is_variable(self, value: Value) -> bool:
        """Whether some node writes the value."""
        return id(value) in self.variables


Check: TypeAlias = Callable[["Node", Facts], "str | None"]


@dataclass(frozen=True)
class Rule:
    """One trap. `is_fatal` is False where the model still runs as it should in most uses."""

    name: str
    ops: tuple[str, ...]
    check: Check
    is_fatal: bool = True


def input_count(node: Node, _facts: Facts) -> str | None:
    """The device refuses any other number of inputs."""
    low, high = LITE_OPS[node.op].inputs
    if low <= len(node.inputs) <= high:
        return None
    return f"has {len(node.inputs)} inputs, the device takes {low}" + (f" to {high}" if high != low else "")


def has_output(node: Node, _facts: Facts) -> str | None:
    """The device keys a node's attributes by its first output."""
    return None if node.outputs else "has no output, which the device refuses"


def bias_stays_old(node: Node, facts: Facts) -> str | None:
    """A bias as third input is copied when the model is opened."""
    if len(node.inputs) > 2 and facts.is_variable(node.inputs[2]):  # noqa: PLR2004 - data, weight, bias
        return "takes its trained bias as third input, of which the device keeps the first value"
    return None


def operand_stays_old(node: Node, facts: Facts) -> str | None:
    """A constant operand smaller than the result is broadcast once."""
    for value in node.inputs:
        if facts.is_variable(value) and value.type.size > 1 and value.type.shape != node.outputs[0].type.shape:
            return f"broadcasts the variable {value.name!r}, of which the device keeps the first value"
    return None


def scale_stays_old(node: Node, facts: Facts) -> str | None:
    """Normalization by moving statistics keeps copies of gamma and beta."""
    is_frozen = node.op == "ScaleFusion" or not node.attrs.get("mode")
    if is_frozen and any(facts.is_variable(value) for value in node.inputs[1:3]):
        return "scales by trained constants, of which the device keeps the first values"
    return None


def constant_exponent(node: Node, _facts: Facts) -> str | None:
    """Shape inference needs the exponent."""
    return None if node.inputs[1].const is not None else "has a computed exponent, which the device refuses"


def clip_bounds(node: Node, _facts: Facts) -> str | None:
    """The attributes min and max are not read."""
    return None if len(node.inputs) == 3 else "has its bounds as attributes, which the device ignores"  # noqa: PLR2004


def two_numbers(node: Node, _facts: Facts) -> str | None:
    """Longer lists are read from the wrong end; absent ones are not checked before they are read."""
    for name in ("stride", "dilation", "kernel_size"):
        value = node.attrs.get(name)
        if not isinstance(value, tuple) or len(value) != 2:  # noqa: PLR2004 - height and width
            return f"has {name}={value!r}; the device reads exactly two numbers"
    pads = node.attrs.get("pad_list")
    return None if isinstance(pads, tuple) and len(pads) == 4 else "has no list of four pads"  # noqa: PLR2004


def grouped_kernel(node: Node, facts: Facts) -> str | None:
    """A grouped convolution that is not depthwise keeps a copy of its kernel."""
    group, channels = node.attrs.get("group"), (node.inputs[0].type.shape or (0,))[-1]
    outputs = (node.inputs[1].type.shape or (0,))[0]
    is_plain = group == 1 or group == channels == outputs
    if not is_plain and facts.is_variable(node.inputs[1]):
        return "is a grouped convolution with a trained kernel, of which the device keeps the first values"
    return None


def elu_gradient(node: Node, _facts: Facts) -> str | None:
    """ActivationGrad of ELU has the wrong formula."""
    return (
        "is the gradient of ELU, which the device computes wrongly"
        if node.attrs.get("activation_type") == _ELU
        else None
    )


def tanh_kernel(node: Node, facts: Facts) -> str | None:
    """The kernel of tanh is a rational approximation, and that of GELU is made of it."""
    if facts.variables and node.attrs.get("activation_type") in (_TANH, _GELU):
        return "takes tanh from the device's kernel, whose gradient is off by 2 % at 4 and by 77 % at 4.9"
    return None


def gradient_order(node: Node, _facts: Facts) -> str | None:
    """(y, dy) for sigmoid and tanh, (dy, y) for all others: an activation in the place of dy has been swapped."""
    kind = node.attrs.get("activation_type")
    is_result_first = kind in (_SIGMOID, _TANH)
    result, gradient = node.inputs if is_result_first else reversed(node.inputs)
    if _is_activation(gradient, kind) and not _is_activation(result, kind):
        return f"takes the result of the activation as its {'second' if is_result_first else 'first'} input"
    return None


def _is_activation(value: Value, kind: Attr) -> bool:
    """Whether an activation of this kind makes the value."""
    node = value.producer
    return node is not None and node.op == "Activation" and node.attrs.get("activation_type") == kind


def loss_and_gradient(node: Node, _facts: Facts) -> str | None:
    """Without its second output the kernel writes no loss."""
    return None if len(node.outputs) == 2 else "lacks its second output, without which the loss stays unwritten"  # noqa: PLR2004


def image_layout(node: Node, _facts: Facts) -> str | None:
    """A bias gradient sums over all axes but the last, a pooling slides over the two before it."""
    row = LITE_OPS[node.op]
    images = [value for place, value in enumerate(node.inputs) if place in row.nhwc and value.type.rank == RANK]
    kernels = [value for place, value in enumerate(node.inputs) if place in row.kernels and value.type.rank == RANK]
    if any(value.layout is not Layout.NHWC for value in images):
        return "takes an image whose channels are not last"
    return "takes a kernel that is NCHW" if any(value.layout is Layout.NCHW for value in kernels) else None


def pool_gradient(node: Node, _facts: Facts) -> str | None:
    """Each gradient is divided by the size of the whole window, also where a part of it lies outside of the image."""
    image, result = node.inputs[0].type.shape or (), node.inputs[2].type.shape or ()
    kernel, strides = node.attrs.get("kernel_size"), node.attrs.get("strides")
    if not (isinstance(kernel, tuple) and isinstance(strides, tuple) and len(image) == len(result) == RANK):
        return None
    sizes = zip(image[1:3], result[1:3], kernel, strides, strict=True)
    is_inside = all((count - 1) * int(str(by)) + int(str(window)) <= size for size, count, window, by in sizes)
    producer = node.inputs[2].producer
    while producer is not None and producer.op == "Transpose":
        producer = producer.inputs[0].producer
    if is_inside or (producer is not None and producer.op == "MulFusion"):
        return None
    return "spreads the gradient of windows at the border too thin: nothing has scaled it"


def slice_masks(node: Node, _facts: Facts) -> str | None:
    """Masks are ignored by the gradient of a slice."""
    if node.attrs.get("shrink_axis_mask") or node.attrs.get("new_axis_mask") or node.attrs.get("ellipsis_mask"):
        return "is the gradient of a slice with masks, which the device ignores"
    return None


def momentum_scale(node: Node, _facts: Facts) -> str | None:
    """gradient_scale is read and never used."""
    return None if node.attrs.get("gradient_scale") in (1.0, None) else "has a gradient scale, which the device ignores"


def sgd_attributes(node: Node, _facts: Facts) -> str | None:
    """The kernel logs a problem, and then does not train."""
    dampening = node.attrs.get("dampening") or 0.0
    if not isinstance(dampening, float) or dampening < 0 or (node.attrs.get("nesterov") and dampening):
        return "has a negative dampening, or nesterov with dampening: the device would not train"
    return None


def learning_rate(node: Node, _facts: Facts) -> str | None:
    """The rate is read once, when the model is opened."""
    value = node.inputs[_LEARNING_RATE[node.op]]
    if value.const is None or value.type.size != 1:
        return "has a learning rate that is no single constant; the device reads it once, before it is computed"
    return None


def same_elements(node: Node, _facts: Facts) -> str | None:
    """Weight, slots and gradient must have the same number of elements."""
    places = [*LITE_OPS[node.op].writes, _GRADIENT[node.op]]
    if node.op == "SGD":
        places.remove(5)  # stat: the device reads its first element
    sizes = {node.inputs[place].type.size for place in places}
    return None if len(sizes) == 1 else f"has weight, slots and gradient of different sizes {sorted(sizes)}"


def batchnorm_gradient(node: Node, _facts: Facts) -> str | None:
    """It leaves 1 / sqrt(variance) in its variance input."""
    is_constant = any(value.const is not None for value in node.inputs[3:5])
    return "would overwrite a constant with intermediate results" if is_constant else None


def known_shape(node: Node, _facts: Facts) -> str | None:
    """The kernel compares shapes when the model is opened, and refuses one that is not known yet."""
    return None if node.inputs[0].type.is_static else f"takes {node.inputs[0].type}, whose shape it must know"


def lstm_kernel(_node: Node, facts: Facts) -> str | None:
    """The gradient needs gates that are saved only when the weight itself is trained."""
    return "cannot be trained by the device's LSTM kernels" if facts.variables else None


def integer_division(node: Node, _facts: Facts) -> str | None:
    """int32 is divided toward zero."""
    return "divides int32, which the device rounds toward zero" if node.inputs[0].type.dtype is DType.INT32 else None


def deep_row(node: Node, facts: Facts) -> str | None:
    """The row-times-matrix kernel reads behind its buffer."""
    left, right = node.inputs[0].type.shape or (), node.inputs[1].type.shape or ()
    depth = left[-2 if node.attrs.get("transpose_a") else -1]
    width = right[-2 if node.attrs.get("transpose_b") else -1]
    is_row = left[-1 if node.attrs.get("transpose_a") else -2] == 1
    if facts.variables and is_row and depth > _MATVEC_DEPTH and width <= _MATVEC_WIDTH:
        return f"multiplies one row of {depth} numbers; builds of the device without SIMD get that wrong"
    return None


RULES: tuple[Rule, ...] = (
    Rule("input-count", tuple(LITE_OPS), input_count),
    Rule("output", tuple(LITE_OPS), has_output),
    Rule("bias-stays-old", _PRODUCTS, bias_stays_old),
    Rule("operand-stays-old", tuple(sorted(BROADCASTING)), operand_stays_old),
    Rule("scale-stays-old", ("FusedBatchNorm", "ScaleFusion"), scale_stays_old),
    Rule("constant-exponent", ("PowFusion",), constant_exponent),
    Rule("clip-bounds", ("Clip",), clip_bounds),
    Rule("two-numbers", CONVOLUTIONS, two_numbers),
    Rule("grouped-kernel", ("Conv2DFusion",), grouped_kernel),
    Rule("elu-gradient", ("ActivationGrad",), elu_gradient),
    Rule("tanh-kernel", ("Activation",), tanh_kernel),
    Rule("gradient-order", ("ActivationGrad",), gradient_order),
    Rule("loss-and-gradient", ("SoftmaxCrossEntropyWithLogits",), loss_and_gradient),
    Rule("image-layout", tuple(name for name, row in LITE_OPS.items() if row.nhwc or row.kernels), image_layout),
    Rule("pool-gradient", ("AvgPoolGrad",), pool_gradient),
    Rule("slice-masks", ("StridedSliceGrad",), slice_masks),
    Rule("momentum-scale", ("ApplyMomentum",), momentum_scale),
    Rule("sgd-attributes", ("SGD",), sgd_attributes),
    Rule("learning-rate", tuple(sorted(OPTIMIZERS)), learning_rate),
    Rule("same-elements", tuple(sorted(OPTIMIZERS)), same_elements),
    Rule("batchnorm-gradient", ("BatchNormGrad",), batchnorm_gradient),
    Rule("known-shape", ("ScaleFusion",), known_shape),
    Rule("lstm-kernel", ("LSTM", "LSTMGrad", "LSTMGradData", "LSTMGradWeight"), lstm_kernel),
    Rule("integer-division", ("FloorDiv",), integer_division),
    Rule("deep-row", ("MatMulFusion",), deep_row, is_fatal=False),
)
