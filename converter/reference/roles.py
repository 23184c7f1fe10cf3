"""What the training session thinks a node is. It goes by node names and operator types (RUNTIME_REQUIREMENTS §3)."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from converter.reference.schedule import execution_order, producers

if TYPE_CHECKING:
    from converter.ir import Graph, Node, Value

LOSS_NAMES = ("loss_fct", "_loss_fn", "SigmoidCrossEntropy")
GRADIENT_NAME = "Gradients"
OPTIMIZERS = ("Adam", "SGD", "ApplyMomentum")
_MASKED = (*OPTIMIZERS, "Assign")


def is_loss(node: Node) -> bool:
    """Whether the name contains one of the default loss names."""
    return any(name in node.name for name in LOSS_NAMES)


def is_gradient(node: Node) -> bool:
    """Whether the name marks a gradient node."""
    return GRADIENT_NAME in node.name


def is_optimizer(node: Node) -> bool:
    """Whether the session counts the node as an optimizer; AdamWeightDecay is not one."""
    return node.op in OPTIMIZERS


@dataclass(frozen=True)
class Roles:
    """The session's lists: all nodes in order, those of the eval graph, and what a step or an eval returns."""

    order: tuple[Node, ...]
    eval_order: tuple[Node, ...]
    train_outputs: tuple[Value, ...]
    eval_outputs: tuple[Value, ...]
    trainable: frozenset[int]

    def flags(self, node: Node) -> str:
        """L loss, G gradient, O optimizer, T shares a tensor with an optimizer, I part of the eval graph."""
        marks = {
            "L": is_loss(node),
            "G": is_gradient(node),
            "O": is_optimizer(node),
            "T": id(node) in self.trainable,
            "I": node in self.eval_order,
        }
        return "".join(mark for mark, holds in marks.items() if holds)


def roles(graph: Graph) -> Roles:
    """Sort the nodes of a graph into the session's lists."""
    order = execution_order(graph)
    position = {id(node): index for index, node in enumerate(order)}
    owned = _owned_outputs(graph, position)
    eval_outputs = _eval_outputs(order, position) or owned
    train_outputs = tuple(value for value in owned if not _is_masked(value)) or owned
    eval_order = tuple(_eval_nodes(eval_outputs, position)) or tuple(order)
    return Roles(tuple(order), eval_order, train_outputs, eval_outputs, frozenset(_trainable(order)))


def _is_masked(value: Value) -> bool:
    return value.producer is not None and value.producer.op in _MASKED


def _owned_outputs(graph: Graph, position: dict[int, int]) -> tuple[Value, ...]:
    """The first output of each node that owns a graph output, or the constant that is one, in the graph's order."""
    found: dict[int, Value] = {}
    for value in graph.outputs:
        if value.producer is not None and id(value.producer) in position:
            found.setdefault(id(value.producer.outputs[0]), value.producer.outputs[0])
        elif value.is_const:
            found.setdefault(id(value), value)
    return tuple(found.values())


def _eval_outputs(order: list[Node], position: dict[int, int]) -> tuple[Value, ...]:
    """First outputs of the forward nodes that feed a forward loss node and do not follow one themselves."""
    found: dict[int, Value] = {}
    for loss in order:
        if not is_loss(loss) or is_gradient(loss):
            continue
        for node in producers(loss, position):
            follows_loss = any(is_loss(earlier) for earlier in producers(node, position))
            if not (is_loss(node) or is_gradient(node) or follows_loss):
                found.setdefault(id(node), node.outputs[0])
    return tuple(found.values())


def _eval_nodes(outputs: tuple[Value, ...], position: dict[int, int]) -> list[Node]:
    """Everything that the eval outputs need, loss nodes left out, in execution order."""
    needed: dict[int, Node] = {}
    pending = [value.producer for value in outputs if value.producer is not None]
    while pending:
        node = pending.pop()
        if id(node) not in needed:
            needed[id(node)] = node
            pending.extend(producers(node, position))
    return sorted((node for node in needed.values() if not is_loss(node)), key=lambda node: position[id(node)])


def _trainable(order: list[Node]) -> list[int]:
    """Identities of the nodes that share a tensor with an optimizer and are none."""
    shared: set[Value] = {value for node in order if is_optimizer(node) for value in node.inputs}
    return [id(node) for node in order if not is_optimizer(node) and shared.intersection(node.inputs)]
