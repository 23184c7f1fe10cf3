"""`mslite inspect`: what is in a `.ms` file, and what memory a step takes."""

from __future__ import annotations

import json
import sys
from collections import Counter
from pathlib import Path
from typing import TYPE_CHECKING, Any

from converter.mslite.reader import read_model
from converter.output import replacing
from converter.reference.memory import plan_memory

if TYPE_CHECKING:
    import argparse

    from converter.ir import Model

SUMMARY = "show inputs, outputs, operators and memory of a model"
DESCRIPTION = """\
Show what is in a .ms file: its inputs and outputs, how many nodes of each operator, and the memory of one step.

--memory lists every node in the order in which the device runs it, with the bytes of its results and the bytes of all
activations that are alive while it runs. Results live until their last reader has run; graph outputs stay."""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Arguments of the subcommand."""
    parser.add_argument("model", type=Path, metavar="MODEL.ms")
    parser.add_argument("--memory", action="store_true", help="list memory node by node")
    parser.add_argument("--json", type=Path, metavar="FILE", help="write everything as JSON")


def execute(arguments: argparse.Namespace) -> None:
    """Print the facts. Raises `ConversionError` E310 for a file that cannot be read."""
    facts = describe(read_model(arguments.model))
    if arguments.json is not None:
        with replacing(arguments.json) as file:
            file.write((json.dumps(facts, indent=1, ensure_ascii=False) + "\n").encode("utf-8"))
    sys.stdout.write(text_of(facts, with_steps=arguments.memory))


def describe(model: Model) -> dict[str, Any]:
    """Everything that is shown, JSON-able; bytes throughout."""
    graph = model.main
    plan = plan_memory(graph)
    counts = Counter(node.op for node in graph.nodes)
    return {
        "version": model.producer,
        "inputs": [f"{value.name}: {value.type} {value.layout.name}" for value in graph.inputs],
        "outputs": [f"{value.name}: {value.type}" for value in graph.outputs],
        "operators": {op: counts[op] for op in sorted(counts)},
        "memory": {
            "weights": plan.weights,
            "slots": plan.slots,
            "constants": plan.constants,
            "inputs": plan.inputs,
            "peak_activations": plan.peak.alive if plan.peak is not None else 0,
            "peak_node": plan.peak.node.name if plan.peak is not None else "",
        },
        "steps": [
            {"node": step.node.name, "op": step.node.op, "made": step.made, "alive": step.alive} for step in plan.steps
        ],
    }


def text_of(facts: dict[str, Any], *, with_steps: bool) -> str:
    """The facts for a person."""
    memory = facts["memory"]
    lines = [facts["version"]]
    lines += [f"input   {line}" for line in facts["inputs"]] + [f"output  {line}" for line in facts["outputs"]]
    lines += [f"{count:6d}  {op}" for op, count in facts["operators"].items()]
    lines += ["", f"weights {memory['weights']:>12,} bytes", f"slots   {memory['slots']:>12,} bytes"]
    lines += [f"other constants {memory['constants']:,} bytes, inputs {memory['inputs']:,} bytes"]
    lines += [f"activations at most {memory['peak_activations']:,} bytes, while this runs: {memory['peak_node']}"]
    if with_steps:
        lines += ["", f"{'made':>12} {'alive':>12}  node"]
        lines += [f"{step['made']:12,} {step['alive']:12,}  {step['op']} {step['node']}" for step in facts["steps"]]
    return "\n".join(lines) + "\n"
