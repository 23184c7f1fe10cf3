"""A treemap as SVG: rectangles whose areas are bytes, grouped by layer, as square as they can be.

Squarified treemaps, after Bruls, Huizing and van Wijk (2000): rows are filled along the shorter side, a row is closed
when one more rectangle would make its worst aspect ratio worse.
"""

from __future__ import annotations

from html import escape
from typing import TYPE_CHECKING, Any, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Sequence

WIDTH, HEIGHT = 960.0, 420.0
_TITLE, _GAP = 18.0, 2.0
# About the width of a character of the labels, in the SVG's units.
_CHARACTER = 6.6
_LEAST_LABEL = 30.0
_TIMES = "\N{MULTIPLICATION SIGN}"


class Box(NamedTuple):
    """A rectangle."""

    x: float
    y: float
    width: float
    height: float


def treemap(tensors: list[dict[str, Any]], title: str) -> str:
    """Return the SVG of all tensors; the table beside it says the same in numbers."""
    layers: dict[str, list[dict[str, Any]]] = {}
    for tensor in tensors:
        if tensor["bytes"]:
            layers.setdefault(tensor["layer"], []).append(tensor)
    ordered = sorted(layers.items(), key=lambda item: (-_bytes(item[1]), item[0]))
    boxes = squarified([_bytes(inner) for _, inner in ordered], Box(0, 0, WIDTH, HEIGHT))
    drawn = "".join(_layer(name, inner, box) for (name, inner), box in zip(ordered, boxes, strict=True))
    return (
        f'<svg class="treemap" viewBox="0 0 {WIDTH:.0f} {HEIGHT:.0f}" role="img" aria-label="{escape(title)}">'
        f"{drawn}</svg>"
    )


def _bytes(tensors: list[dict[str, Any]]) -> int:
    return sum(tensor["bytes"] for tensor in tensors)


def _layer(name: str, tensors: list[dict[str, Any]], box: Box) -> str:
    """One layer: its title, and a rectangle for each of its tensors."""
    has_title = box.height > 2 * _TITLE and box.width > _LEAST_LABEL
    head = _TITLE if has_title else 0.0
    inner = Box(box.x + _GAP, box.y + head + _GAP, box.width - 2 * _GAP, box.height - head - 2 * _GAP)
    ordered = sorted(tensors, key=lambda tensor: (-tensor["bytes"], tensor["name"]))
    parts = [_rect(box, "layer", f"{name}: {_bytes(tensors):,} bytes")]
    if has_title:
        parts.append(_label(name, box.x + 5, box.y + 13, box.width - 8, "layer-name"))
    if inner.width <= 1 or inner.height <= 1:
        return "".join(parts)
    for tensor, place in zip(ordered, squarified([each["bytes"] for each in ordered], inner), strict=True):
        shape = _TIMES.join(map(str, tensor["shape"])) or "scalar"
        parts.append(
            _rect(
                place,
                f"cell {tensor['kind']}",
                f"{tensor['name']}: {tensor['bytes']:,} bytes, {tensor['type']} {shape}",
            )
        )
        if place.height > _TITLE and place.width > _LEAST_LABEL:
            own = tensor["name"].removesuffix(f"{name}.").rpartition(".")[2]
            label = "" if tensor["kind"] == "slot" and place.width < 2 * _LEAST_LABEL else own
            if tensor["kind"] == "slot":
                label = f"{tensor['name'].partition('.')[0]} {own}"
            parts.append(_label(label, place.x + 5, place.y + 14, place.width - 8, "cell-name"))
    return "".join(parts)


def _rect(box: Box, kind: str, title: str) -> str:
    width, height = max(box.width - _GAP / 2, 0.5), max(box.height - _GAP / 2, 0.5)
    return (
        f'<rect class="{kind}" x="{box.x:.1f}" y="{box.y:.1f}" width="{width:.1f}" height="{height:.1f}">'
        f"<title>{escape(title)}</title></rect>"
    )


def _label(text: str, x: float, y: float, room: float, kind: str) -> str:
    most = int(room / _CHARACTER)
    shown = text if len(text) <= most else text[: max(most - 1, 0)] + "…"
    return f'<text class="{kind}" x="{x:.1f}" y="{y:.1f}">{escape(shown)}</text>' if most > 1 else ""


def squarified(sizes: Sequence[float], box: Box) -> list[Box]:
    """Return a rectangle for each size (positive, largest first) that fill `box`, areas in proportion."""
    total = float(sum(sizes))
    if not total:
        return []
    areas = [size * box.width * box.height / total for size in sizes]
    placed: list[Box] = []
    row: list[float] = []
    for area in areas:
        side = min(box.width, box.height)
        if row and _worst([*row, area], side) > _worst(row, side):
            placed += _laid(row, box)
            box = _rest(row, box)
            row = []
        row.append(area)
    return placed + _laid(row, box)


def _worst(row: list[float], side: float) -> float:
    """Return the worst aspect ratio of a row along a side."""
    total = sum(row)
    return max(side * side * max(row) / (total * total), total * total / (side * side * min(row)))


def _laid(row: list[float], box: Box) -> list[Box]:
    """Place a row along the shorter side of a box."""
    total, placed, at = sum(row), [], 0.0
    is_upright = box.width >= box.height
    depth = total / (box.height if is_upright else box.width)
    for area in row:
        length = area / depth
        placed.append(Box(box.x, box.y + at, depth, length) if is_upright else Box(box.x + at, box.y, length, depth))
        at += length
    return placed


def _rest(row: list[float], box: Box) -> Box:
    """Return what a row leaves of a box."""
    if box.width >= box.height:
        depth = sum(row) / box.height
        return Box(box.x + depth, box.y, max(box.width - depth, 1e-9), box.height)
    depth = sum(row) / box.width
    return Box(box.x, box.y + depth, box.width, max(box.height - depth, 1e-9))
