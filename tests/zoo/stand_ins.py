"""What is run instead of a case whose operator MindSpore exports but has no CPU kernel for.

Each stand-in is the documented formula in operators that do have kernels; its parameters carry the names of the
original. `Case.run_as` says which case uses which.
"""

from __future__ import annotations

from mindspore import nn, ops
from mindspore.ops import operations as P  # noqa: N812 — MindSpore's own usual name for it


class LambByHand(nn.Lamb):
    """Lamb: Adam's corrected direction plus decay, scaled by the norm of the weight over that of the direction."""

    def __init__(self, params, rate: float, weight_decay: float = 0.0) -> None:
        super().__init__(params, rate, weight_decay=weight_decay)
        self.decay_rate = weight_decay
        self.sum = P.ReduceSum()
        self.sqrt = P.Sqrt()
        self.select = P.Select()
        self.power = P.Pow()
        self.cast = P.Cast()
        self.add = P.AssignAdd()

    def norm(self, x):
        return self.sqrt(self.sum(x * x))

    def construct(self, gradients):
        rate = self.get_lr()
        step = ops.depend(self.global_step, self.add(self.global_step, self.global_step_increase_tensor))
        turn = self.cast(step, self.eps.dtype)
        done = ()
        for index in range(len(self.params)):
            weight, gradient = self.params[index], gradients[index]
            first = self.beta1 * self.moments1[index] + (1 - self.beta1) * gradient
            second = self.beta2 * self.moments2[index] + (1 - self.beta2) * gradient * gradient
            mean = first / (1 - self.power(self.beta1, turn))
            spread = second / (1 - self.power(self.beta2, turn))
            direction = mean / (self.sqrt(spread) + self.eps) + self.decay_rate * weight
            ratio = self.norm(weight) / self.norm(direction)
            done += (
                ops.assign(self.moments1[index], first),
                ops.assign(self.moments2[index], second),
                ops.assign(weight, weight - rate * ratio * direction),
            )
        return done


class LarsByHand(nn.LARS):
    """LARS: each filtered gradient scaled by coefficient · ‖w‖ / (‖g‖ + decay · ‖w‖ + epsilon), then the optimizer."""

    def __init__(self, optimizer, epsilon: float, coefficient: float, lars_filter, decay_rate: float = 0.0) -> None:
        super().__init__(optimizer, epsilon=epsilon, coefficient=coefficient, lars_filter=lars_filter)
        self.epsilon = epsilon
        self.coefficient = coefficient
        self.decay_rate = decay_rate
        self.sum = P.ReduceSum()
        self.sqrt = P.Sqrt()

    def norm(self, x):
        return self.sqrt(self.sum(x * x))

    def construct(self, gradients):
        scaled = ()
        for index in range(len(self.parameters)):
            weight, gradient = self.parameters[index], gradients[index]
            if self.lars_flag[index]:
                size = self.norm(weight)
                bound = self.norm(gradient) + self.decay_rate * size + self.epsilon
                gradient = (gradient + self.decay_rate * weight) * (self.coefficient * size / bound)
            scaled += (gradient,)
        return self.opt(scaled)


class SoftMarginByHand(nn.Cell):
    """Mean of log(1 + exp(-label · logit))."""

    def __init__(self) -> None:
        super().__init__()
        self.mean = P.ReduceMean()
        self.log = P.Log()
        self.exp = P.Exp()

    def construct(self, logits, label):
        return self.mean(self.log(1 + self.exp(-label * logits)))
