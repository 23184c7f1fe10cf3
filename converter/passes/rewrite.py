"""Rules: a pattern and what to put in its place. Whether a place may be changed at all is decided here, once for all.

A match is left alone when an inner value has a reader outside of the match or is an output of the graph, and when a
node or weight of it belongs to training: it depends on a variable that some node writes, it is part of the loss or of a
gradient by its name, or its weight is read by such a node. Constants are never changed: a rule makes new ones.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, TypeAlias

from converter.ir import Note
from converter.ir.editing import remove, replace_uses, wire
from converter.ops.lite_fields import defaults
from converter.ops.lite_ops import LITE_OPS
from converter.passes.base import Pass
from converter.passes.fold.constants import written_variables
from converter.passes.pattern import Match, matches
from converter.reference.roles import is_gradient, is_loss

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from converter.ir import Attr, Graph, Model, Node, Value
    from converter.passes.pattern import Either, Op


@dataclass(frozen=True)
class Replacement:
    """The node in place of a match: it makes what the last matched node made, under the name of `anchor`.

    Attributes that are not given have the schema's defaults. `before` are new nodes that it needs.
    """

    op: str
    inputs: Sequence[Value]
    attrs: Mapping[str, Attr]
    anchor: Node
    before: tuple[Node, ...] = ()


@dataclass(frozen=True)
class Refusal:
    """Why a place that has the right form is left as it is; without a reason nobody needs to know."""

    reason: str = ""


# A value in place of the result means that the match computes what is there already.
Rewrite: TypeAlias = "Callable[[Match], Replacement | Value | Refusal]"


@dataclass(frozen=True)
class Rule:
    """A rewrite by name. `official` are the passes of the official converter that do this."""

    name: str
    pattern: Op | Either
    rewrite: Rewrite
    official: tuple[str, ...] = ()


def rule_pass(rule: Rule, after: str = "") -> Pass:
    """The pass that applies a rule wherever it may; `after` names the stage after which it is tried once more."""

    def run(model: Model) -> bool:
        return apply_rule(rule, model)

    run.__doc__ = rule.rewrite.__doc__
    name = f"{rule.name}-after-{after}" if after else rule.name
    return Pass(name, run, optional=True, is_fusion=True, official=rule.official)


def apply_rule(rule: Rule, model: Model) -> bool:
    """Sweep over every graph until nothing changes."""
    changed = False
    for graph in model.graphs:
        while _Sweep(rule, model, graph).run():
            changed = True
    return changed


def trained_nodes(graph: Graph) -> set[int]:
    """Identities of the nodes that belong to training; none in a graph that writes no variable."""
    variables = written_variables(graph)
    trained: set[int] = set()
    if not variables:
        return trained
    for node in graph.nodes:
        reads = any(id(v) in variables or (v.producer and id(v.producer) in trained) for v in node.inputs)
        if reads or is_loss(node) or is_gradient(node):
            trained.add(id(node))
    return trained


@dataclass
class _Sweep:
    """One pass over the nodes of a graph, front to back; removed nodes leave the list at its end."""

    rule: Rule
    model: Model
    graph: Graph
    trained: set[int] = field(default_factory=set)
    outputs: set[int] = field(default_factory=set)
    gone: dict[int, Node] = field(default_factory=dict)
    heirs: dict[int, Node] = field(default_factory=dict)
    before: dict[int, tuple[Node, ...]] = field(default_factory=dict)
    looked_at: list[Node] = field(default_factory=list)

    def run(self) -> bool:
        """Rewrite what can be; returns whether anything was."""
        if not any(node.op in self.rule.pattern.ops for node in self.graph.nodes):
            return False
        self.trained = trained_nodes(self.graph)
        self.outputs = {id(value) for value in self.graph.outputs}
        changed = False
        for root in self.graph.nodes:
            if root.op in self.rule.pattern.ops and id(root) not in self.gone:
                changed |= self._rewrite(root)
        if changed:
            self._finish()
        return changed

    def _rewrite(self, root: Node) -> bool:
        for match in matches(self.model, self.graph, self.rule.pattern, root):
            if not self._may_change(match):
                continue
            result = self.rule.rewrite(match)
            if isinstance(result, Refusal):
                self._tell(match, result)
            elif isinstance(result, Replacement):
                self._replace(match, result)
                return True
            elif self._bypass(match, result):
                return True
        return False

    def _may_change(self, match: Match) -> bool:
        """What holds for every rule (see the top of this file)."""
        members = {id(node) for node in match.nodes}
        everything = (*match.nodes, *match.shared)
        if any(id(node) in self.trained or id(node) in self.gone for node in everything):
            return False
        if any(lite.writes for node in everything if (lite := LITE_OPS.get(node.op)) is not None):
            return False
        inner = [value for node in match.nodes if node is not match.root for value in node.outputs]
        if any(id(value) in self.outputs or any(id(user) not in members for user in value.users) for value in inner):
            return False
        weights = [value for node in match.nodes for value in node.inputs if value.const is not None]
        return not any(id(user) in self.trained for value in weights for user in value.users)

    def _replace(self, match: Match, new: Replacement) -> None:
        """The last node becomes the new one, so it stands behind everything that it reads."""
        root = match.root
        others = [node for node in match.nodes if node is not root]
        parents = [node.origin for node in match.nodes if node is not new.anchor]
        root.origin = new.anchor.origin.derived(self.rule.name, *parents)
        root.name, root.op = new.anchor.name, new.op
        root.attrs = {**defaults(new.op), **new.attrs}
        root.after = tuple({id(each): each for node in match.nodes for each in node.after}.values())
        wire(root, new.inputs)
        self.before[id(root)] = (*self.before.get(id(root), ()), *new.before)
        self._drop(others, root)
        self.looked_at += match.shared

    def _bypass(self, match: Match, value: Value) -> bool:
        """Readers of the result read `value` instead; an output of the graph keeps its name and a maker of its own."""
        result = match.result
        if value.type != result.type or value.layout is not result.layout:
            message = f"{match.root} makes {result.type}, which {value.name!r} ({value.type}) cannot stand for"
            raise ValueError(message)
        if id(result) in self.outputs:
            if value.producer is None or id(value) in self.outputs:
                return False
            value.name = result.name
            self.outputs.add(id(value))
        replace_uses(self.graph, result, value)
        self._drop(list(match.nodes), value.producer)
        self.looked_at += match.shared
        return True

    def _drop(self, nodes: list[Node], heir: Node | None) -> None:
        """Take nodes out of the wiring; who waited for one of them waits for its heir."""
        for node in nodes:
            self.looked_at += [value.producer for value in node.inputs if value.producer is not None]
            wire(node, (), node.outputs)
            self.gone[id(node)] = node
            if heir is not None:
                self.heirs[id(node)] = heir

    def _finish(self) -> None:
        """Bring the node list up to date; what nobody reads any more goes with what read it."""
        while self.looked_at:
            node = self.looked_at.pop()
            is_read = any(value.users or id(value) in self.outputs for value in node.outputs)
            if not is_read and id(node) not in self.gone:
                self._drop([node], None)
        for node in self.graph.nodes:
            if any(id(earlier) in self.heirs for earlier in node.after):
                heirs = [self.heirs.get(id(earlier), earlier) for earlier in node.after]
                node.after = tuple({id(heir): heir for heir in heirs if heir is not node}.values())
        self.graph.nodes[:] = [each for node in self.graph.nodes for each in (*self.before.get(id(node), ()), node)]
        remove(self.graph, self.gone.values())

    def _tell(self, match: Match, refusal: Refusal) -> None:
        """Report a refusal, once."""
        note = Note("fusion", f"{self.rule.name}: {refusal.reason}", match.root.name)
        if refusal.reason and note not in self.model.notes:
            self.model.notes.append(note)
