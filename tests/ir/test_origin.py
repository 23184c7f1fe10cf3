from __future__ import annotations

import pytest

from converter.ir import Origin


@pytest.mark.parametrize(
    ("scope", "module"),
    [
        ("Default/network-WithLossCell/_backbone-LeNet/conv1-Conv2d/Conv2D-op5", "conv1"),
        ("Default/network-WithLossCell/_backbone-Net/features-SequentialCell/0-Conv2d/Conv2D-op5", "features.0"),
        ("Default/backbone-Net/conv1-Conv2d/Conv2D-op12", "backbone.conv1"),
        ("Gradients/Default/network-WithLossCell/_backbone-LeNet/fc3-Dense/gradMatMul/MatMul-op33", "fc3.gradMatMul"),
        ("Default/network-WithLossCell/_loss_fn-MSELoss/Square-op3", "loss_fn"),
        ("Default/optimizer-Momentum/ApplyMomentum-op49", "optimizer"),
        ("Default/Reshape-op16", None),
        ("", None),
        (None, None),
    ],
)
def test_a_scope_names_the_cell_of_the_user(scope: str | None, module: str | None) -> None:
    assert Origin(scope=scope).module == module


def test_a_derived_origin_keeps_the_users_operator_and_names_the_pass() -> None:
    first = Origin("net.mindir", "3", "Conv2D", "Default/conv1-Conv2d/Conv2D-op5")
    second = Origin("net.mindir", "5", "BiasAdd", "Default/conv1-Conv2d/BiasAdd-op6")
    merged = first.derived("fuse-conv-bias", second)
    assert (merged.path, merged.node, merged.op, merged.scope) == (first.path, first.node, first.op, first.scope)
    assert (merged.made_by, merged.parents, merged.module) == ("fuse-conv-bias", (first, second), "conv1")
