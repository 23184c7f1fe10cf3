"""Ways to make one training step of a network, a loss and an optimizer."""

from __future__ import annotations

import numpy as np
from mindspore import Tensor, nn, ops


def plain(net: nn.Cell, loss: nn.Cell, optimizer: nn.Cell) -> nn.Cell:
    """`TrainOneStepCell(WithLossCell(net, loss), optimizer)`, as nearly every MindSpore tutorial has it."""
    return nn.TrainOneStepCell(nn.WithLossCell(net, loss), optimizer)


def scaled(net: nn.Cell, loss: nn.Cell, optimizer: nn.Cell) -> nn.Cell:
    """A step with a sensitivity of 2 (the optimizer does not divide by it)."""
    return nn.TrainOneStepCell(nn.WithLossCell(net, loss), optimizer, sens=2.0)


def loss_scale_fixed(net: nn.Cell, loss: nn.Cell, optimizer: nn.Cell) -> nn.Cell:
    """`TrainOneStepWithLossScaleCell` with a fixed scale: the step returns (loss, overflow, scale)."""
    return nn.TrainOneStepWithLossScaleCell(
        nn.WithLossCell(net, loss), optimizer, scale_sense=nn.FixedLossScaleUpdateCell(64)
    )


def loss_scale_dynamic(net: nn.Cell, loss: nn.Cell, optimizer: nn.Cell) -> nn.Cell:
    """`TrainOneStepWithLossScaleCell` whose scale doubles every 3 good steps."""
    manager = nn.DynamicLossScaleUpdateCell(loss_scale_value=64, scale_factor=2, scale_window=3)
    return nn.TrainOneStepWithLossScaleCell(nn.WithLossCell(net, loss), optimizer, scale_sense=manager)


def own_loss(net: nn.Cell, _loss: None, optimizer: nn.Cell) -> nn.Cell:
    """A step of a network that returns its loss itself."""
    return nn.TrainOneStepCell(net, optimizer)


class _Clipped(nn.Cell):
    """A step with `clip(gradients)` before the optimizer."""

    def __init__(self, net: nn.Cell, optimizer: nn.Cell) -> None:
        super().__init__(auto_prefix=False)
        self.network = net
        self.optimizer = optimizer
        self.weights = optimizer.parameters
        self.grad = ops.GradOperation(get_by_list=True)

    def clip(self, gradients):
        return gradients

    def construct(self, data, label):
        loss = self.network(data, label)
        gradients = self.grad(self.network, self.weights)(data, label)
        return ops.depend(loss, self.optimizer(self.clip(gradients)))


class _ClippedByNorm(_Clipped):
    def clip(self, gradients):
        return ops.clip_by_global_norm(gradients, 0.5)


class _ClippedByValue(_Clipped):
    def __init__(self, net: nn.Cell, optimizer: nn.Cell) -> None:
        super().__init__(net, optimizer)
        self.low = Tensor(np.float32(-0.05))
        self.high = Tensor(np.float32(0.05))

    def clip(self, gradients):
        clipped = ()
        for gradient in gradients:
            clipped += (ops.clip_by_value(gradient, self.low, self.high),)
        return clipped


class _EachClippedByNorm(_Clipped):
    def __init__(self, net: nn.Cell, optimizer: nn.Cell) -> None:
        super().__init__(net, optimizer)
        self.by_norm = nn.ClipByNorm()
        self.bound = Tensor(np.float32(0.1))

    def clip(self, gradients):
        clipped = ()
        for gradient in gradients:
            clipped += (self.by_norm(gradient, self.bound),)
        return clipped


class _WithLogits(nn.Cell):
    """Loss and logits, both returned by the step."""

    def __init__(self, net: nn.Cell, optimizer: nn.Cell, backbone: nn.Cell) -> None:
        super().__init__(auto_prefix=False)
        self.step = nn.TrainOneStepCell(net, optimizer)
        self.backbone = backbone

    def construct(self, data, label):
        logits = self.backbone(data)
        loss = ops.depend(self.step(data, label), logits)
        return loss, logits


class _TwoInputs(nn.Cell):
    """A loss over a network with two data inputs."""

    def __init__(self, net: nn.Cell, loss: nn.Cell) -> None:
        super().__init__(auto_prefix=False)
        self.net = net
        self.loss = loss

    def construct(self, left, right, label):
        return self.loss(self.net(left, right), label)


class _TwoHeads(nn.Cell):
    """The sum of the losses of two outputs against one label."""

    def __init__(self, net: nn.Cell, loss: nn.Cell) -> None:
        super().__init__(auto_prefix=False)
        self.net = net
        self.loss = loss

    def construct(self, data, label):
        left, right = self.net(data)
        return self.loss(left, label) + 0.3 * self.loss(right, label)


class _TwoLosses(_TwoHeads):
    """The losses of two outputs, one beside the other; the step's gradient is that of their sum."""

    def construct(self, data, label):
        left, right = self.net(data)
        return self.loss(left, label), self.loss(right, label)


class _Functional(nn.Cell):
    """The style of MindSpore 2: `value_and_grad` of a forward function, then the optimizer."""

    def __init__(self, net: nn.Cell, loss: nn.Cell, optimizer: nn.Cell) -> None:
        super().__init__(auto_prefix=False)
        self.net = net
        self.loss = loss
        self.optimizer = optimizer
        self.gradient = ops.value_and_grad(self.forward, None, optimizer.parameters)

    def forward(self, data, label):
        return self.loss(self.net(data), label)

    def construct(self, data, label):
        loss, gradients = self.gradient(data, label)
        return ops.depend(loss, self.optimizer(gradients))


STEPS = {
    "plain": plain,
    "scaled": scaled,
    "own_loss": own_loss,
    "loss_scale_fixed": loss_scale_fixed,
    "loss_scale_dynamic": loss_scale_dynamic,
    "clip_global_norm": lambda net, loss, optimizer: _ClippedByNorm(nn.WithLossCell(net, loss), optimizer),
    "clip_each_norm": lambda net, loss, optimizer: _EachClippedByNorm(nn.WithLossCell(net, loss), optimizer),
    "clip_value": lambda net, loss, optimizer: _ClippedByValue(nn.WithLossCell(net, loss), optimizer),
    "with_logits": lambda net, loss, optimizer: _WithLogits(nn.WithLossCell(net, loss), optimizer, net),
    "two_inputs": lambda net, loss, optimizer: nn.TrainOneStepCell(_TwoInputs(net, loss), optimizer),
    "two_heads": lambda net, loss, optimizer: nn.TrainOneStepCell(_TwoHeads(net, loss), optimizer),
    "two_losses": lambda net, loss, optimizer: nn.TrainOneStepCell(_TwoLosses(net, loss), optimizer),
    "functional": _Functional,
}
