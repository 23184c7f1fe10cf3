"""From MindIR's operators to Lite's, by the rows of the table."""

from __future__ import annotations

import difflib
from typing import TYPE_CHECKING

from converter.errors import fail
from converter.ir import ArrayTensor, Stage
from converter.ir.editing import set_input
from converter.ops.arity import least_inputs
from converter.ops.context import Context, literal_array, problem_at
from converter.ops.device_kernels import DEVICE_KERNELS
from converter.ops.lite_fields import defaults
from converter.ops.rule import RefusedValueError
from converter.ops.rules import IGNORED_EVERYWHERE, RULES
from converter.passes.normalize.side_effects import written

if TYPE_CHECKING:
    from converter.ir import Attr, Model, Node
    from converter.ops.rule import Rule

_CONTROL_FLOW = {"Partial": "PartialFusion", "Switch": "Switch", "call": "Call"}


def adapt_operators(model: Model) -> bool:
    """Turn every node into the Lite operator of its row; report all that cannot be converted together."""
    if model.stage is not Stage.SOURCE:
        return False
    is_training = any(written(node) for graph in model.graphs for node in graph.nodes)
    for graph in model.graphs:
        context = Context(model, graph, is_training)
        for node in list(graph.nodes):
            _adapt(context, node)
        context.problems.raise_if_any()
        context.finish()
        for node in graph.nodes:
            _literals_to_tensors(context, node)
            _check_device(context, node)
        context.problems.raise_if_any()
    model.stage = Stage.LITE
    return True


def _adapt(context: Context, node: Node) -> None:
    """One node: attributes accounted for, then renamed, then finished by its adapter."""
    if node.op in _CONTROL_FLOW:
        node.op = _CONTROL_FLOW[node.op]
        node.attrs = {"is_tail_call": False} if node.op == "Call" else {}
        return
    rule = RULES.get(node.op)
    if rule is None:
        near = difflib.get_close_matches(node.op, RULES, n=1)
        nearest = f"the nearest known operator is {near[0]}" if near else None
        context.refuse("E201", node, f"operator {node.op} cannot be converted", nearest)
        return
    if len(node.inputs) < least_inputs(node.op, rule.lite, int(context.model.version or 0)):
        context.refuse("E302", node, f"{node.op} has {len(node.inputs)} inputs, which is too few: the model is damaged")
        return
    attrs = _attributes(context, node, rule)
    if rule.lite:
        node.op, node.attrs = rule.lite, {**defaults(rule.lite), **attrs}
    else:
        node.attrs = attrs
    if rule.adapter is not None:
        rule.adapter(context, node)


def _attributes(context: Context, node: Node, rule: Rule) -> dict[str, Attr]:
    """Lite fields from source attributes; nothing is dropped in silence."""
    attrs: dict[str, Attr] = dict(rule.sets)
    for name, value in node.attrs.items():
        row = rule.attrs.get(name)
        if row is None:
            if name not in IGNORED_EVERYWHERE:
                context.refuse("E202", node, f"{node.op}.{name}={value!r}: the attribute is not known")
            continue
        try:
            converted = row.apply(value)
        except RefusedValueError as problem:
            context.refuse("E202", node, f"{node.op}.{name}={value!r} cannot be converted; {problem}")
            continue
        if row.field is not None:
            attrs[row.field] = converted
    return attrs


def _literals_to_tensors(context: Context, node: Node) -> None:
    """Arguments that stay inputs become small constant tensors: integers int32, floats float32."""
    for index, value in enumerate(node.inputs):
        if value.literal is None:
            continue
        array = literal_array(value.literal.value)
        if array is None:
            context.refuse("E202", node, f"input {index} is {value.literal.value!r}, which is no tensor on the device")
            continue
        value.const = ArrayTensor.of(array)
        value.type, value.literal = value.const.type, None
        set_input(node, index, value)


def _check_device(context: Context, node: Node) -> None:
    """The device must be able to read the operator's attributes, infer its shape and run it."""
    support = DEVICE_KERNELS.get(node.op)
    if support is None:
        raise fail("E901", f"row for {node.op} missing in the device table", node=node.name)
    missing = [
        what
        for what, there in (
            ("no reader for its attributes", support.reads_attributes),
            ("no shape inference", support.infers_shape),
            ("no kernel", bool(support.kernels)),
        )
        if not there
    ]
    if missing:
        context.problems.add(problem_at(node, "E201", f"the device has {' and '.join(missing)} for {node.op}"))
