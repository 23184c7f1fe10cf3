"""The drawings and words of the report page, without a build."""

from __future__ import annotations

import re
from itertools import combinations
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from converter.tools.report_page_changes import changes
from converter.tools.report_page_graph import MOST_NODES, draw_graph
from converter.tools.report_page_memory import amount, draw_memory
from converter.tools.report_page_style import STYLE
from converter.tools.report_page_treemap import Box, squarified, treemap

AREA = Box(3, 5, 700, 300)
# Text on what lies under it, as custom properties of the style.
PAIRS = [(ink, under) for ink in ("ink", "soft") for under in ("page", "card")]
PAIRS += [("ink", under) for under in ("forward", "backward", "update", "fixed", "layer")]
PAIRS += [("soft", under) for under in ("forward", "backward", "update", "fixed")] + [("focus", "page")]


@given(st.lists(st.integers(1, 10**7), min_size=1, max_size=40))
def test_treemap_fills_its_box_in_proportion_without_overlap(sizes: list[int]) -> None:
    sizes.sort(reverse=True)
    boxes = squarified(sizes, AREA)
    assert len(boxes) == len(sizes)
    for size, box in zip(sizes, boxes, strict=True):
        wanted = size * AREA.width * AREA.height / sum(sizes)
        assert box.width * box.height == pytest.approx(wanted, rel=1e-6)
        assert box.x >= AREA.x - 1e-6
        assert box.y >= AREA.y - 1e-6
        assert box.x + box.width <= AREA.x + AREA.width + 1e-6
        assert box.y + box.height <= AREA.y + AREA.height + 1e-6
    for one, other in combinations(boxes[:12], 2):
        across = min(one.x + one.width, other.x + other.width) - max(one.x, other.x)
        down = min(one.y + one.height, other.y + other.height) - max(one.y, other.y)
        assert across < 1e-6 or down < 1e-6


def test_equal_sizes_are_nearly_square() -> None:
    for box in squarified([7] * 12, AREA):
        assert 0.4 < box.width / box.height < 2.5


def test_treemap_names_every_tensor() -> None:
    tensors = [
        {
            "name": f"fc{i}.<weight>",
            "layer": f"fc{i}",
            "kind": "trained",
            "bytes": i * 100,
            "type": "float32",
            "shape": [i],
        }
        for i in (2, 3, 5)
    ]
    drawn = treemap(tensors, "sizes & layers")
    assert drawn.count("<rect") == 6
    assert "fc5.&lt;weight&gt;: 500 bytes, float32 5" in drawn
    assert 'aria-label="sizes &amp; layers"' in drawn


def _chain(count: int) -> dict[str, Any]:
    nodes = [
        {"op": "Add", "name": f"net/layer{at // 7}/Add{at}", "short": f"layer{at // 7}", "role": "forward"}
        | {"reads": [at - 1], "makes": "float32[2]"}
        for at in range(count)
    ]
    return {"nodes": nodes, "inputs": ["x"]}


def test_edges_of_a_graph_go_down() -> None:
    graph = _chain(5)
    graph["nodes"][4]["reads"] = [-1, 2, 3]
    drawn = draw_graph(graph, "graph")
    ends = re.findall(r'd="M\S+ (\S+)C\S+ \S+ \S+ \S+ \S+ (\S+)"', drawn)
    assert len(ends) == 7
    assert all(float(start) < float(end) for start, end in ends)


def test_large_graph_is_drawn_by_layer() -> None:
    drawn = draw_graph(_chain(MOST_NODES + 1), "graph")
    assert drawn.count("<g ") == 1 + (MOST_NODES + 7) // 7
    assert "layer3: 7 nodes" in drawn


def test_memory_chart_names_the_peak() -> None:
    steps = [
        {"op": op, "short": op, "name": f"net/{op}", "role": "forward", "made": alive, "alive": alive}
        for op, alive in (("Conv", 300), ("Relu", 7000), ("Loss", 20))
    ]
    drawn = draw_memory({"weights": 11, "slots": 13, "constants": 17, "inputs": 19, "steps": steps}, "memory")
    assert "most: 6.8 KB of activations while Relu runs" in drawn
    assert "stays: 60 bytes" in drawn
    assert drawn.count('class="bar forward"') == 3


@pytest.mark.parametrize(
    ("count", "text"), [(0, "0 B"), (1023, "1023 B"), (1536, "1.5 KB"), (759808, "742 KB"), (3 << 20, "3.0 MB")]
)
def test_amounts_are_short(count: int, text: str) -> None:
    assert amount(count) == text


def test_changes_are_named_piece_by_piece() -> None:
    before = {
        "a.ms": {
            "bytes": 1000,
            "sha256": "1" * 64,
            "options": {"quant": None, "train": False},
            "made_from": {"s/1": "x"},
        },
        "gone.ms": {"bytes": 1, "sha256": "2" * 64},
    }
    now = {
        "a.ms": {"bytes": 500, "sha256": "3" * 64, "options": {"quant": {"bit_num": 8}, "train": False}}
        | {"made_from": {"s/1": "y"}, "inputs": [{"name": "x", "dtype": "float32", "shape": [2]}]},
        "new.ms": {"bytes": 1, "sha256": "4" * 64},
    }
    rows = [(row["model"], row["what"], row["before"], row["now"]) for row in changes(before, now)]
    assert rows == [
        ("a.ms", "bytes", "1,000", "500"),
        ("a.ms", "file s/1", "sha256 x", "sha256 y"),
        ("a.ms", "inputs", "", "x float32[2]"),
        ("a.ms", "option quant.bit_num", "", "8"),
        ("a.ms", "sha256", "1" * 12, "3" * 12),
        ("gone.ms", "model", "removed", ""),
        ("new.ms", "model", "", "added"),
    ]


def _luminance(color: str) -> float:
    full = "".join(2 * digit for digit in color) if len(color) == 3 else color
    parts = [int(full[at : at + 2], 16) / 255 for at in (0, 2, 4)]
    linear = [part / 12.92 if part <= 0.04045 else ((part + 0.055) / 1.055) ** 2.4 for part in parts]
    return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]


@pytest.mark.parametrize("theme", [r":root\{", r"\[data-theme=light\]\)\{", r":root\[data-theme=dark\]\{"])
def test_text_can_be_read_in_both_themes(theme: str) -> None:
    found = re.search(theme + r"(.*?)\}", STYLE, re.DOTALL)
    assert found is not None
    colors = dict(re.findall(r"--([\w-]+):#(\w+)", found[1]))
    for ink, under in PAIRS:
        one, other = sorted((_luminance(colors[ink]), _luminance(colors[under])))
        assert (other + 0.05) / (one + 0.05) >= 4.5, f"{ink} on {under}"
