"""A graph as SVG: nodes in rows by their longest way from the inputs, edges downward; large ones are drawn by layer."""

from __future__ import annotations

from html import escape
from typing import Any, NamedTuple

MOST_NODES = 400
_WIDTH, _HEIGHT, _ACROSS, _DOWN = 168.0, 38.0, 186.0, 66.0
_MARGIN = 12.0
# Room beside the drawing for edges that go around boxes.
_SIDE = 90.0
_CHARACTER = 7.0
_ROUNDS = 4


class Drawn(NamedTuple):
    """A box of the drawing: one node, or all nodes of a layer and role. `reads` are places of boxes before it."""

    label: str
    below: str
    role: str
    title: str
    reads: list[int]


def draw_graph(graph: dict[str, Any], title: str) -> str:
    """Return the SVG of a graph as `report_page_facts` describes it."""
    boxes = _boxes(graph) if len(graph["nodes"]) <= MOST_NODES else _layers(graph)
    rows = _ordered(boxes, _rows(boxes))
    widest = max(len(row) for row in rows)
    width, height = widest * _ACROSS + 2 * _SIDE, len(rows) * _DOWN + 2 * _MARGIN
    places = {
        box: ((width - len(row) * _ACROSS) / 2 + at * _ACROSS + (_ACROSS - _WIDTH) / 2, _MARGIN + depth * _DOWN)
        for depth, row in enumerate(rows)
        for at, box in enumerate(row)
    }
    edges = [_edge(places[source], places[box]) for box, each in enumerate(boxes) for source in each.reads]
    nodes = [_node(box, *places[at]) for at, box in enumerate(boxes)]
    return (
        f'<svg class="graph" width="{width:.0f}" height="{height:.0f}" viewBox="0 0 {width:.0f} {height:.0f}" '
        f'role="img" aria-label="{escape(title)}">{"".join(edges)}{"".join(nodes)}</svg>'
    )


def _boxes(graph: dict[str, Any]) -> list[Drawn]:
    """Return a box for the inputs, then one for each node."""
    boxes = [Drawn("inputs", ", ".join(graph["inputs"]), "input", ", ".join(graph["inputs"]), [])]
    for node in graph["nodes"]:
        reads = [place + 1 for place in node["reads"] if place < len(boxes)]
        boxes.append(Drawn(node["op"], node["short"], node["role"], f"{node['name']}: {node['makes']}", reads))
    return boxes


def _layers(graph: dict[str, Any]) -> list[Drawn]:
    """Return a box for the inputs, then one for each layer and role, in the order of their first nodes."""
    keys: dict[tuple[str, str], int] = {}
    places = [keys.setdefault((node["short"], node["role"]), len(keys) + 1) for node in graph["nodes"]]
    reads: dict[int, set[int]] = {place: set() for place in places}
    counts = dict.fromkeys(reads, 0)
    for node, place in zip(graph["nodes"], places, strict=True):
        counts[place] += 1
        reads[place] |= {0 if source < 0 else places[source] for source in node["reads"]}
    boxes = [Drawn("inputs", ", ".join(graph["inputs"]), "input", ", ".join(graph["inputs"]), [])]
    for (short, role), place in keys.items():
        # An edge to a layer that began later would be drawn upward; there are few, and the nodes' table has them.
        before = sorted(source for source in reads[place] if source < place)
        boxes.append(Drawn(short, f"{counts[place]} nodes, {role}", role, f"{short}: {counts[place]} nodes", before))
    return boxes


def _rows(boxes: list[Drawn]) -> list[list[int]]:
    """Return the boxes by the length of their longest way from the inputs."""
    depths: list[int] = []
    for at, box in enumerate(boxes):
        depths.append(max((depths[source] + 1 for source in box.reads if source < at), default=1 if at else 0))
    rows: list[list[int]] = [[] for _ in range(max(depths) + 1)]
    for at, depth in enumerate(depths):
        rows[depth].append(at)
    return [row for row in rows if row]


def _ordered(boxes: list[Drawn], rows: list[list[int]]) -> list[list[int]]:
    """Sort each row by where its neighbors stand, down and up in turn: fewer edges cross."""
    users: list[list[int]] = [[] for _ in boxes]
    for at, box in enumerate(boxes):
        for source in box.reads:
            users[source].append(at)
    neighbors = [[box.reads for box in boxes], users]
    for turn in range(_ROUNDS):
        side = neighbors[turn % 2]
        place = {box: (at + 0.5) / len(row) for row in rows for at, box in enumerate(row)}
        for row in rows if turn % 2 == 0 else reversed(rows):
            means = {
                box: sum(place[each] for each in side[box]) / len(side[box]) if side[box] else place[box] for box in row
            }
            row.sort(key=lambda box, means=means: (means[box], box))  # type: ignore[misc]  # a default binds the loop's value
            place |= {box: (at + 0.5) / len(row) for at, box in enumerate(row)}
    return rows


def _edge(start: tuple[float, float], end: tuple[float, float]) -> str:
    x1, y1, x2, y2 = start[0] + _WIDTH / 2, start[1] + _HEIGHT, end[0] + _WIDTH / 2, end[1]
    bend = max((y2 - y1) / 2, 10)
    # A long edge goes around the boxes between its ends.
    aside = _WIDTH * 0.9 * min((y2 - y1) / _DOWN / 4, 1) if y2 - y1 > _DOWN and abs(x2 - x1) < _WIDTH else 0.0
    curve = f"{x1 + aside:.1f} {y1 + bend:.1f} {x2 + aside:.1f} {y2 - bend:.1f} {x2:.1f} {y2:.1f}"
    return f'<path class="edge" d="M{x1:.1f} {y1:.1f}C{curve}"/>'


def _node(box: Drawn, x: float, y: float) -> str:
    return (
        f'<g class="node {box.role}"><title>{escape(box.title)}</title>'
        f'<rect x="{x:.1f}" y="{y:.1f}" width="{_WIDTH}" height="{_HEIGHT}" rx="6"/>'
        f'<text class="op" x="{x + 8:.1f}" y="{y + 16:.1f}">{escape(_cut(box.label))}</text>'
        f'<text class="short" x="{x + 8:.1f}" y="{y + 30:.1f}">{escape(_cut(box.below))}</text></g>'
    )


def _cut(text: str) -> str:
    most = int((_WIDTH - 14) / _CHARACTER)
    return text if len(text) <= most else text[: most - 1] + "…"
