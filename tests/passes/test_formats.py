"""The format that the device infers for images: a convolution whose image is not NHWC is refused."""

from __future__ import annotations

import numpy as np
import pytest
from support.graphs import constant, lite, model, numbered, value

from converter.errors import ConversionError
from converter.ir import Layout, Model, Value
from converter.ops.formats import Formats
from converter.passes.fold.constants import fold_constants
from converter.passes.layout.formats import settle_formats
from converter.reference import Session

TOKENS, IMAGE = (2, 15, 7), (2, 3, 5, 7)


def ints(*numbers: int) -> Value:
    return numbered("numbers", np.array(numbers, np.int32))


def pooled(tokens: Value) -> list[Value]:
    """Tokens as an image, and a pooling of windows of one pixel."""
    image = lite("Reshape", [tokens, ints(*IMAGE)], [value("image", *IMAGE)], name="image")
    pool = lite("MaxPoolFusion", image.outputs, name="pool", kernel_size=(1, 1), strides=(1, 1), pad_mode=2)
    return [*image.outputs, *pool.outputs]


def behind_a_token() -> Model:
    """A constant token in front of the others, from which the device takes the format of them all."""
    x, token = value("x", 2, 14, 7, layout=Layout.NHWC), constant("token", 2, 1, 7)
    joined = lite("Concat", [token, x], [value("joined", *TOKENS)], axis=1)
    image, result = pooled(joined.outputs[0])
    nodes = [each for each in (joined, image.producer, result.producer) if each is not None]
    return model(nodes, [x], [result])


def behind_a_transpose() -> Model:
    """Attention turned the tokens: their format says NCHW, although their data is in order."""
    x = value("x", 2, 7, 15, layout=Layout.NHWC)
    turned = lite("Transpose", [x, ints(0, 2, 1)], [value("turned", *TOKENS)])
    image, result = pooled(turned.outputs[0])
    nodes = [each for each in (turned, image.producer, result.producer) if each is not None]
    return model(nodes, [x], [result])


def test_a_class_token_names_the_format_of_the_image_behind_it() -> None:
    each = behind_a_token()
    with pytest.raises(ConversionError) as caught:
        Session(each)
    assert "in the format NCHW" in caught.value.problems[0].message
    assert settle_formats(each)
    assert not settle_formats(each)
    assert len(each.main.nodes) == 3
    assert next(iter(Session(each).infer([np.ones((2, 14, 7), np.float32)]).values())).shape == IMAGE


def test_an_image_is_turned_where_no_constant_can_name_its_format() -> None:
    each = behind_a_transpose()
    assert settle_formats(each)
    assert not settle_formats(each)
    assert [node.op for node in each.main.nodes] == [
        "Transpose",
        *("Reshape", "Transpose", "Reshape"),
        "MaxPoolFusion",
    ]
    x = np.random.default_rng(3).normal(size=(2, 7, 15)).astype(np.float32)
    (found,) = Session(each).infer([x]).values()
    np.testing.assert_array_equal(found, x.transpose(0, 2, 1).reshape(IMAGE))


def test_a_reshape_that_could_be_a_transpose_becomes_one() -> None:
    x = value("x", 2, 7, 1, 1)
    image = lite("Reshape", [x, ints(2, 1, 1, 7)], [value("image", 2, 1, 1, 7)], name="image")
    pool = lite("MaxPoolFusion", image.outputs, name="pool", kernel_size=(1, 1), strides=(1, 1), pad_mode=2)
    each = model([image, pool], [x], pool.outputs)
    assert settle_formats(each)
    assert not settle_formats(each)
    assert [node.op for node in each.main.nodes] == ["Transpose", "MaxPoolFusion"]
    numbers = np.random.default_rng(3).normal(size=(2, 7, 1, 1)).astype(np.float32)
    (found,) = Session(each).infer([numbers]).values()
    np.testing.assert_array_equal(found, numbers.reshape(2, 1, 1, 7))


def test_an_image_in_order_is_left_alone() -> None:
    each = behind_a_transpose()
    each.main.inputs[0].layout = Layout.NCHW
    assert not settle_formats(each)


def test_a_sum_has_the_format_of_the_operand_that_is_no_constant() -> None:
    x, bias = value("x", *TOKENS, layout=Layout.NHWC), constant("bias", *TOKENS)
    node = lite("AddFusion", [bias, x])
    assert Formats(model([node], [x], node.outputs).main).of(node.outputs[0]) is Layout.NHWC


def test_a_convolution_of_constants_waits_for_its_layout() -> None:
    """Folded while its image was still NCHW, it was computed as if that were NHWC (EdgeNeXt's positions)."""
    conv = lite(
        "Conv2DFusion",
        [constant("image", 1, 3, 5, 7), constant("kernel", 11, 3, 1, 1)],
        [value("result", 1, 11, 5, 7)],
        kernel_size=(1, 1),
        stride=(1, 1),
        dilation=(1, 1),
    )
    x = value("x", 1, 11, 5, 7)
    total = lite("AddFusion", [x, conv.outputs[0]])
    each = model([conv, total], [x], total.outputs)
    assert not fold_constants(each)
