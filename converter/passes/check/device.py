"""The last look at the graph before it is written: everything that the device would refuse or get wrong."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING

from converter.errors import Problem, Problems
from converter.ir import Note
from converter.ops.context import problem_at
from converter.ops.lite_ops import LITE_OPS, OPTIMIZERS
from converter.passes.check.rules import RULES, Facts, Rule
from converter.passes.fold.constants import written_variables
from converter.passes.schedule.order import hazards
from converter.reference.roles import LOSS_NAMES, is_loss, roles
from converter.reference.schedule import unscheduled

if TYPE_CHECKING:
    from converter.ir import Graph, Model


def check_device_rules(model: Model) -> bool:
    """Refuse a graph that the device would refuse or train wrongly; note what it would leave out of training."""
    problems = Problems()
    for graph in model.graphs:
        _check_nodes(model, graph, problems)
        _check_order(graph, problems)
        _check_names(model, graph, problems)
        _check_evaluation(graph, problems)
    _note_training(model)
    problems.raise_if_any()
    return False


def _check_nodes(model: Model, graph: Graph, problems: Problems) -> None:
    """All rules on all nodes."""
    facts = Facts(frozenset(written_variables(graph)))
    by_op: dict[str, list[Rule]] = {}
    for rule in RULES:
        for op in rule.ops:
            by_op.setdefault(op, []).append(rule)
    for node in graph.nodes:
        for rule in by_op.get(node.op, ()):
            found = rule.check(node, facts)
            if found is None:
                continue
            if rule.is_fatal:
                problems.add(problem_at(node, "E501", f"{node.op} {found} [{rule.name}]"))
            else:
                model.notes.append(Note("warning", f"{node.op} {found} [{rule.name}]", node.name))


def _check_order(graph: Graph, problems: Problems) -> None:
    """Reads and writes in the device's order; no node that waits for ever; no node for nobody."""
    for node, earlier in hazards(graph):
        problems.add(problem_at(node, "E501", f"runs before {earlier.name} on the device [order]"))
    for node in unscheduled(graph):
        problems.add(problem_at(node, "E501", "waits for itself, so the device would never run it [order]"))
    read = {id(value) for node in graph.nodes for value in node.inputs} | {id(value) for value in graph.outputs}
    for node in graph.nodes:
        lite = LITE_OPS.get(node.op)
        if not (lite and lite.writes) and not any(id(value) in read for value in node.outputs):
            problems.add(problem_at(node, "E501", "computes what nobody reads [dead-node]"))


def _check_names(model: Model, graph: Graph, problems: Problems) -> None:
    """The device finds nodes and tensors by name."""
    values = {id(v): v.name for node in graph.nodes for v in (*node.inputs, *node.outputs)}
    for what, names in (("node", [node.name for node in graph.nodes]), ("tensor", list(values.values()))):
        for name, count in Counter(names).items():
            if count > 1 or not name:
                problems.add(Problem("E501", f"{count} {what}s have the name {name!r} [names]", path=model.path))


def _check_evaluation(graph: Graph, problems: Problems) -> None:
    """Evaluation leaves out what is part of the loss by its name, whether it needs it or not."""
    if not any(node.op in OPTIMIZERS for node in graph.nodes):
        return
    for node in roles(graph).eval_order:
        for earlier in (value.producer for value in node.inputs):
            if earlier is not None and is_loss(earlier) and not is_loss(node):
                message = f"reads {earlier.name!r}, which the device leaves out of evaluation for its name [eval-cut]"
                problems.add(problem_at(node, "E501", message))


def _note_training(model: Model) -> None:
    """What an application must know before it trains the file."""
    nodes = model.main.nodes
    if not any(node.op in OPTIMIZERS for node in nodes):
        return
    if not any(mark in node.name for node in nodes for mark in LOSS_NAMES):
        message = (
            f"no node has a loss name ({', '.join(LOSS_NAMES)}): name yours in TrainCfg, or evaluation needs labels"
        )
        model.notes.append(Note("warning", message))
    if not any(value.type.is_static and value.type.size == 1 for value in model.main.outputs):
        model.notes.append(
            Note("training", "no output has a single element, so the device's loss monitor shows nothing")
        )
