"""Order of reads and writes after operators have been composed of others.

An edge of order between two nodes says that one of them writes a variable that the other uses. After adaptation some
of them no longer do; such edges go. And a reader that must see what an Assign has stored reads the assigned value
itself: the device knows the order of data only, so it could not be told to wait.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from converter.ir.editing import remove, set_input
from converter.ops.lite_ops import LITE_OPS

if TYPE_CHECKING:
    from converter.ir import Graph, Model, Node, Value

_SGD_MARK = 5


def read_stored_values(model: Model) -> bool:
    """Read stored values from their computation; drop stores and edges of order that nothing needs any more."""
    changed = False
    for graph in model.graphs:
        for node in graph.nodes:
            changed |= _read_through(node)
        overwritten = [node for node in graph.nodes if node.op == "Assign" and _is_overwritten(node)]
        remove(graph, overwritten)
        changed |= bool(overwritten)
        changed |= drop_needless_order(graph)
    return changed


def drop_needless_order(graph: Graph) -> bool:
    """Drop edges of order between nodes that share no variable; to be called after nodes have been composed."""
    changed = False
    for node in graph.nodes:
        needed = tuple(earlier for earlier in node.after if _share_variable(node, earlier))
        changed |= len(needed) != len(node.after)
        node.after = needed
    return changed


def _written(node: Node) -> list[Value]:
    lite = LITE_OPS.get(node.op)
    found = [node.inputs[i] for i in lite.writes if i < len(node.inputs)] if lite is not None else []
    return [value for value in found if not _is_shared_mark(node, value)]


def _is_shared_mark(node: Node, value: Value) -> bool:
    """SGD clears its first-step mark; the mark of composed optimizers is 0 from the start, and all of them share it."""
    is_mark = node.op == "SGD" and value is node.inputs[_SGD_MARK] and value.type.size == 1
    return is_mark and value.const is not None and not value.const.array().any()


def _read_through(node: Node) -> bool:
    """Replace variables by what was assigned to them before the node."""
    changed = False
    own = [id(value) for value in _written(node)]
    for place, value in enumerate(node.inputs):
        if value.const is None or id(value) in own:
            continue
        stores = [each for each in node.after if any(target is value for target in _written(each))]
        last = [each for each in stores if not any(each in other.after for other in stores)]
        if len(last) == 1 and last[0].op == "Assign" and last[0].inputs[1].type.shape == value.type.shape:
            set_input(node, place, last[0].inputs[1])
            changed = True
    return changed


def _is_overwritten(store: Node) -> bool:
    """Whether another Assign to the same variable follows, and nobody reads the variable between them."""
    variable = store.inputs[0]
    later = [user for user in dict.fromkeys(variable.users) if user is not store and store in user.after]
    return bool(later) and all(user.op == "Assign" and user.inputs[0] is variable for user in later)


def _share_variable(node: Node, earlier: Node) -> bool:
    """Whether one of the nodes writes what the other reads or writes."""
    written = {id(value) for value in _written(earlier)}
    if any(id(value) in written for value in node.inputs):
        return True
    written = {id(value) for value in _written(node)}
    return any(id(value) in written for value in earlier.inputs)
