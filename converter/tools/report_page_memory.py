"""Memory over a step as SVG: one bar for each node in the device's order, on top of what stays all the time."""

from __future__ import annotations

from html import escape
from typing import Any

_WIDTH, _HEIGHT = 960.0, 260.0
_LEFT, _BOTTOM, _TOP = 64.0, 26.0, 22.0
_KIB, _MIB = 1024, 1024 * 1024
_MOST_LABELED = 1.0


def amount(count: float) -> str:
    """Return bytes for people: `742 KB`."""
    if count < _KIB:
        return f"{count:.0f} B"
    if count < 10 * _KIB:
        return f"{count / _KIB:.1f} KB"
    return f"{count / _KIB:.0f} KB" if count < _MIB else f"{count / _MIB:.1f} MB"


def draw_memory(memory: dict[str, Any], title: str) -> str:
    """Return the SVG of a memory plan."""
    steps = memory["steps"]
    stays = memory["weights"] + memory["slots"] + memory["constants"] + memory["inputs"]
    peak = max(step["alive"] for step in steps)
    top = max(stays + peak, 1)
    plot_width, plot_height = _WIDTH - _LEFT - 8, _HEIGHT - _BOTTOM - _TOP
    scale, slot = plot_height / top, plot_width / len(steps)
    floor = _HEIGHT - _BOTTOM
    parts = [_grid(top, scale, floor)]
    parts.append(
        f'<rect class="stays" x="{_LEFT}" y="{floor - stays * scale:.1f}" width="{plot_width:.1f}" '
        f'height="{stays * scale:.1f}"><title>stays: {stays:,} bytes</title></rect>'
    )
    for at, step in enumerate(steps):
        height = step["alive"] * scale
        words = f"{at + 1}. {step['op']} {step['name']}: {step['alive']:,} bytes alive, {step['made']:,} made"
        parts.append(
            f'<rect class="bar {step["role"]}" x="{_LEFT + at * slot:.2f}" y="{floor - stays * scale - height:.1f}" '
            f'width="{max(slot - min(1.0, slot / 5), 0.4):.2f}" height="{max(height, 0.5):.1f}">'
            f"<title>{escape(words)}</title></rect>"
        )
    parts.append(_peak(steps, peak, slot, floor - (stays + peak) * scale))
    parts.append(f'<text class="axis" x="{_LEFT}" y="{_HEIGHT - 8}">first node</text>')
    parts.append(f'<text class="axis end" x="{_WIDTH - 8}" y="{_HEIGHT - 8}">last node ({len(steps)})</text>')
    view = f"0 0 {_WIDTH:.0f} {_HEIGHT:.0f}"
    return f'<svg class="memory" viewBox="{view}" role="img" aria-label="{escape(title)}">{"".join(parts)}</svg>'


def _grid(top: int, scale: float, floor: float) -> str:
    lines = []
    for part in range(5):
        y = floor - top * part / 4 * scale
        lines.append(f'<line class="grid" x1="{_LEFT}" y1="{y:.1f}" x2="{_WIDTH - 8}" y2="{y:.1f}"/>')
        lines.append(f'<text class="axis end" x="{_LEFT - 6}" y="{y + 4:.1f}">{amount(top * part / 4)}</text>')
    return "".join(lines)


def _peak(steps: list[dict[str, Any]], peak: int, slot: float, y: float) -> str:
    """Name the node with the most memory, on the side where there is room."""
    at = next(place for place, step in enumerate(steps) if step["alive"] == peak)
    x = _LEFT + (at + 0.5) * slot
    is_late = x > _WIDTH * 0.6
    words = f"most: {amount(peak)} of activations while {steps[at]['op']} runs"
    return (
        f'<path class="peak" d="M{x:.1f} {y - 2:.1f}l-4 -6h8z"/>'
        f'<text class="axis strong{" end" if is_late else ""}" x="{x - 8 if is_late else x + 8:.1f}" y="{y - 4:.1f}">'
        f"{escape(words)}</text>"
    )
