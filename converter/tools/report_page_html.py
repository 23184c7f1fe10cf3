"""The report page as HTML: a table of all models, what changed, and a section for each model."""

from __future__ import annotations

import base64
import hashlib
from html import escape
from typing import TYPE_CHECKING, Any

from converter.tools.report_page_graph import MOST_NODES, draw_graph
from converter.tools.report_page_memory import amount, draw_memory
from converter.tools.report_page_style import SCRIPT, STYLE
from converter.tools.report_page_treemap import treemap

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

Facts = dict[str, Any]
_PAGE = """\
<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta http-equiv="Content-Security-Policy" content="default-src 'none'; style-src '{style_hash}'; script-src '{hash}'">
<title>{title}</title>
<style>{style}</style>
</head>
<body>
<a class="skip" href="#models">Skip to the models</a>
<header><h1>{title}</h1><p>{summary}</p><button id="theme" type="button" hidden>Dark</button></header>
<main id="models">
{content}
</main>
<script>{script}</script>
</body>
</html>
"""
_MOST_DECIBELS = 60.0
_NOTHING, _TIMES = "\N{EN DASH}", "\N{MULTIPLICATION SIGN}"


def page(models: list[Facts], changes: list[dict[str, str]] | None) -> str:
    """Return the page. `changes` is None when there is nothing to compare with."""
    total = sum(facts["record"]["bytes"] for facts in models)
    content = [_overview(models), _changes(changes), *(_model(facts, at) for at, facts in enumerate(models))]
    return _PAGE.format(
        title="Models in this firmware",
        summary=f"{len(models)} model{'s' if len(models) != 1 else ''}, {amount(total)} in all",
        style=STYLE,
        style_hash=_hash(STYLE),
        script=SCRIPT,
        hash=_hash(SCRIPT),
        content="\n".join(content),
    )


def _hash(text: str) -> str:
    """Nothing but this very text may run or style: a model's names are data, whatever they look like."""
    return "sha256-" + base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()


def _table(caption: str, heads: Sequence[str], rows: Iterable[Sequence[str]], numbers: Sequence[int] = ()) -> str:
    """Return a table; cells are HTML already. `numbers` are the columns that are aligned right."""

    def kind(column: int) -> str:
        return ' class="number"' if column in numbers else ""

    head = "".join(f'<th scope="col"{kind(at)}>{escape(text)}</th>' for at, text in enumerate(heads))
    body = "".join(
        "<tr>" + "".join(f"<td{kind(at)}>{cell}</td>" for at, cell in enumerate(row)) + "</tr>" for row in rows
    )
    label = escape(caption)
    return (
        f'<div class="wide" tabindex="0" role="region" aria-label="{label}"><table aria-label="{label}">'
        f"<thead><tr>{head}</tr></thead><tbody>{body}</tbody></table></div>"
    )


def _meter(share: float) -> str:
    """Return a small bar; an SVG, because the page allows no inline style."""
    width = max(0.0, min(1.0, share)) * 108
    return (
        '<svg class="meter" width="110" height="8" viewBox="0 0 110 8" aria-hidden="true">'
        f'<rect class="bar forward" x="1" y="1" width="{width:.1f}" height="6" rx="3"/></svg>'
    )


def _overview(models: list[Facts]) -> str:
    largest = max((facts["record"]["bytes"] for facts in models), default=1)
    rows = []
    for at, facts in enumerate(models):
        record = facts["record"]
        memory = record.get("memory") or {}
        rows.append(
            [
                f'<a href="#model-{at}">{escape(facts["name"])}</a>',
                amount(record["bytes"]),
                _meter(record["bytes"] / largest),
                "training" if memory.get("training") else "inference",
                "8 bits" if any(tensor["type"] == "8 bits" for tensor in facts["tensors"]) else "float",
                amount(memory["inference"]) if memory.get("inference") else _NOTHING,
                amount(memory["training"]) if memory.get("training") else _NOTHING,
            ]
        )
    heads = ["Model", "Flash", "", "For", "Weights", "RAM to predict", "RAM to train"]
    return "<h2>Overview</h2>" + _table("All models", heads, rows, (1, 5, 6))


def _changes(changes: list[dict[str, str]] | None) -> str:
    head = "<h2>What changed</h2>"
    if changes is None:
        return head + '<p class="sub">This is the first report: there is nothing to compare with yet.</p>'
    if not changes:
        return head + '<p class="sub">Nothing.</p>'
    rows = [
        [
            escape(row["model"]),
            escape(row["what"]),
            *(f"<code>{escape(row[when])}</code>" for when in ("before", "now")),
        ]
        for row in changes
    ]
    words = '<p class="sub">Since the last reported build whose models were others.</p>'
    return head + words + _table("What changed", ["Model", "What", "Before", "Now"], rows)


def _model(facts: Facts, at: int) -> str:
    record = facts["record"]
    parts = [
        f'<section id="model-{at}" aria-labelledby="name-{at}"><h2 id="name-{at}">{escape(facts["name"])}</h2>',
        f'<p class="sub">from <code>{escape(record["model"])}</code>, sha256 <code>{record["sha256"]}</code>, '
        f"converter {escape(record['converter'])}</p>",
        _tiles(facts),
        _ports(record),
        _sizes(facts),
        _memory(facts),
        _quantized(facts),
        _graph(facts),
        _notes(facts),
        "</section>",
    ]
    return "\n".join(parts)


def _tiles(facts: Facts) -> str:
    record, memory = facts["record"], facts["record"].get("memory") or {}
    tiles = [(amount(record["bytes"]), "in flash"), (str(len(facts["graph"]["nodes"])), "nodes")]
    tiles += [(str(len(facts["tensors"])), "constant tensors")]
    tiles += [(amount(memory[key]), f"RAM, {key}, at least") for key in ("inference", "training") if memory.get(key)]
    cells = "".join(
        f'<div class="tile"><b>{escape(value)}</b><span>{escape(what)}</span></div>' for value, what in tiles
    )
    return f'<div class="tiles">{cells}</div>'


def _ports(record: dict[str, Any]) -> str:
    rows = []
    for kind in ("inputs", "outputs"):
        for port in record[kind]:
            shape = _TIMES.join(map(str, port["shape"])) or "scalar"
            what = "label" if port["name"] in record.get("labels", ()) and kind == "inputs" else kind[:-1]
            rows.append([what, f"<code>{escape(port['name'])}</code>", port["dtype"], shape, port["layout"]])
    return "<h3>Inputs and outputs</h3>" + _table("Inputs and outputs", ["", "Name", "Type", "Shape", "Layout"], rows)


def _legend(*entries: tuple[str, str]) -> str:
    return '<ul class="legend">' + "".join(f'<li><i class="{kind}"></i>{text}</li>' for kind, text in entries) + "</ul>"


def _sizes(facts: Facts) -> str:
    tensors = [tensor for tensor in facts["tensors"] if tensor["bytes"]]
    if not tensors:
        return ""
    total = sum(tensor["bytes"] for tensor in tensors)
    rows = [
        [
            escape(each["layer"]),
            f"<code>{escape(each['name'])}</code>",
            each["type"],
            _TIMES.join(map(str, each["shape"])) or "scalar",
            f"{each['bytes']:,}",
            f"{each['bytes'] / total:.1%}",
        ]
        for each in sorted(tensors, key=lambda each: (-each["bytes"], each["name"]))
    ]
    heads = ["Layer", "Tensor", "Type", "Shape", "Bytes", "Share"]
    title = f"Sizes by layer of {facts['name']}"
    legend = _legend(("trained", "trained weight"), ("slot", "optimizer's variable"), ("fixed", "constant"))
    return (
        f'<h3>Sizes by layer</h3><div class="card">{treemap(tensors, title)}{legend}</div>'
        f"<details><summary>As a table ({len(rows)} tensors)</summary>{_table(title, heads, rows, (4, 5))}</details>"
    )


_ROLES = (("forward", "forward"), ("backward", "backward"), ("update", "optimizer"))


def _memory(facts: Facts) -> str:
    memory = facts["memory"]
    head = "<h3>Memory over a step</h3>"
    if not memory or not memory["steps"]:
        return head + '<p class="sub">Not known: a shape is known only when the model runs.</p>'
    title = f"Memory over a step of {facts['name']}"
    rows = [
        [
            str(at + 1),
            escape(step["op"]),
            f"<code>{escape(step['name'])}</code>",
            f"{step['made']:,}",
            f"{step['alive']:,}",
        ]
        for at, step in enumerate(memory["steps"])
    ]
    stays = ", ".join(f"{name} {amount(memory[name])}" for name in ("weights", "slots", "constants", "inputs"))
    table = _table(title, ["", "Operator", "Node", "Made", "Alive"], rows, (0, 3, 4))
    return (
        f'{head}<div class="card">{draw_memory(memory, title)}{_legend(("stays", f"stays ({stays})"), *_ROLES)}</div>'
        f'<p class="sub">The least that is needed: gaps of the arena and workspaces of kernels come on top.</p>'
        f"<details><summary>As a table ({len(rows)} nodes)</summary>{table}</details>"
    )


def _quantized(facts: Facts) -> str:
    if not facts["quantized"]:
        return ""
    rows = []
    for row in facts["quantized"]:
        is_exact = row["decibels"] > _MOST_DECIBELS * 2
        rows.append(
            [
                f"<code>{escape(row['name'])}</code>",
                str(row["bits"]),
                f"{row['scales']:,}",
                amount(row["saved"]),
                f"{row['largest']:.2e}",
                f"{row['typical']:.2e}",
                "exact" if is_exact else f"{row['decibels']:.1f} dB",
                _meter(row["decibels"] / _MOST_DECIBELS),
            ]
        )
    heads = ["Weight", "Bits", "Scales", "Saved", "Largest error", "Typical error", "Signal to noise", ""]
    words = (
        "Each weight against the same model converted without quantization; the worst first. More decibels are better."
    )
    head = f'<h3>Quantization error</h3><p class="sub">{words}</p>'
    return head + _table("Quantization error", heads, rows, (1, 2, 3, 4, 5, 6))


def _graph(facts: Facts) -> str:
    nodes = facts["graph"]["nodes"]
    if not nodes:
        return ""
    title = f"Graph of {facts['name']}"
    words = (
        "" if len(nodes) <= MOST_NODES else '<p class="sub">By layer: the graph has too many nodes to draw each.</p>'
    )
    operators = ", ".join(f"{count} {escape(name)}" for name, count in facts["operators"].items())
    return (
        f'<h3>Graph</h3>{words}<div class="card scroll" tabindex="0" role="region" aria-label="{escape(title)}">'
        f"{draw_graph(facts['graph'], title)}</div>{_legend(('fixed', 'inputs'), *_ROLES)}"
        f'<p class="sub">{operators}</p>'
    )


def _notes(facts: Facts) -> str:
    head = "<h3>What the converter changed, and why</h3>"
    if not facts["notes"]:
        return head + '<p class="sub">Nothing worth a note: every operator has a counterpart on the device.</p>'
    rows = [
        [escape(note["kind"]), escape(note["message"]), f"<code>{escape(note['node'] or '')}</code>"]
        for note in facts["notes"]
    ]
    return head + _table("What the converter changed", ["Kind", "What and why", "Node"], rows)
