"""`debug_info_save_path`: the CSV files of the official converter, with its columns.

`quant_param.csv` has a row for every quantized tensor of every node, `round_N.csv` statistics of int8 outputs on sample
N, in float and in int8, `output_summary.csv` the cosines of the model's outputs. Files about runs exist for FULL_QUANT.
"""

from __future__ import annotations

import csv
import io
from typing import TYPE_CHECKING, Any

import numpy as np

from converter.output import replacing

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence
    from pathlib import Path

    from converter.ir import Model, Value
    from converter.quantize.judge import Comparison

    Array = np.ndarray[Any, np.dtype[Any]]

_PARAMETERS = ("NodeName", "NodeType", "TensorName", "ElementsNum", "Dims", "Scale", "ZeroPoint", "Bits")
_CORRECTIONS = ("CorrectionVar", "CorrectionMean")
_STATISTICS = ("Min", "Q1", "Median", "Q3", "Max", "Mean", "Var", "Sparsity", "Clip", "CosineSimilarity")
_PLACES = ("NodeName", "NodeType", "TensorName", "InOutFlag", "DataTypeFlag", "TensorTypeFlag")


def write_debug_files(folder: Path, model: Model, runs: Sequence[Sequence[Comparison]]) -> None:
    """Write all files. Raises `ConversionError` E120."""
    _write(folder / "quant_param.csv", (*_PARAMETERS, *_CORRECTIONS, ""), _parameter_rows(model))
    for number, run in enumerate(runs):
        _write(folder / f"round_{number}.csv", ("", *_PLACES, *_STATISTICS, ""), _statistic_rows(run))
    if runs:
        _write(
            folder / "output_summary.csv", ("Round", "TensorName", "CosineSimilarity", ""), _summary_rows(model, runs)
        )


def _write(path: Path, head: Sequence[str], rows: Iterable[Sequence[object]]) -> None:
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(head)
    # The official files end every line with a comma.
    writer.writerows([*(f"{cell:g}" if isinstance(cell, float) else cell for cell in row), ""] for row in rows)
    with replacing(path) as file:
        file.write(text.getvalue().encode("utf-8"))


def _parameter_rows(model: Model) -> Iterator[Sequence[object]]:
    for graph in model.graphs:
        for node in graph.nodes:
            for value in (*node.inputs, *node.outputs):
                yield from ((node.name, node.op, *row) for row in _parameters(value))


def _parameters(value: Value) -> Iterator[Sequence[object]]:
    shape = value.type.shape or ()
    dims = "".join(f"{dim} " for dim in shape)
    for q in value.quant:
        corrections = (float(q.var_corr), float(q.mean_corr))
        yield value.name, value.type.size, dims, float(q.scale), q.zero_point, q.bits, *corrections


def _statistic_rows(run: Sequence[Comparison]) -> Iterator[Sequence[object]]:
    number = 0
    for each in run:
        place = (each.node.name, each.node.op, each.value.name, "Output")
        for kind, array, clip, cosine in (
            ("Origin", each.plain, 0.0, 1.0),
            ("Dequant", each.shown, each.saturation, each.cosine),
        ):
            yield number, *place, kind, "Activation", *_statistics(array), clip, cosine
            number += 1


def _statistics(array: Array) -> tuple[float, ...]:
    """Minimum, quartiles, maximum, mean, variance, and the share of zeros."""
    flat = array.reshape(-1).astype(np.float64)
    quartiles = np.quantile(flat, [0, 0.25, 0.5, 0.75, 1])
    return (*map(float, quartiles), float(flat.mean()), float(flat.var()), float(np.mean(flat == 0)))


def _summary_rows(model: Model, runs: Sequence[Sequence[Comparison]]) -> Iterator[Sequence[object]]:
    """The model's outputs that an int8 node makes, directly or through a cast."""
    makers = {id(value.producer.inputs[0]): value for value in model.main.outputs if value.producer is not None}
    for number, run in enumerate(runs):
        for each in run:
            output = makers.get(id(each.value))
            if output is not None:
                yield number, output.name, each.cosine
