"""Record what the official converter makes of 8-bit WEIGHT_QUANT: `record_quant.py [--oracle DIR]`.

Writes tests/quantize/data/<set>.json and <set>.npz (format: tests/quantize/data/README.md). Nothing is recorded unless
weight_quant_rules.py predicts it bit for bit.
"""

from __future__ import annotations

import argparse
import hashlib
import json
import sys
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from ms_file import MsFile, MsTensor, read_ms, values
from official import convert, oracle_folder
from weight_quant_rules import FLOAT32, QUANT_WEIGHT, Settings, weight_quant

if TYPE_CHECKING:
    from numpy.typing import NDArray

ROOT = Path(__file__).resolve().parents[2]
DATA = ROOT / "tests" / "quantize" / "data"
LENETS = [ROOT / "tests/zoo/data/ms200" / f"lenet_{which}.mindir" for which in (
    "infer", "momentum_sparse", "sgd_sparse", "adam_sparse")]  # fmt: skip
PARAM_FIELDS = {"scale": np.float64, "zero_point": np.int32, "var_corr": np.float32, "mean_corr": np.float32}
ALL_SIZES = {"min_quant_weight_size": "0", "min_quant_weight_channel": "0"}


def config_text(common: dict[str, str]) -> str:
    lines = ["[common_quant_param]", "quant_type=WEIGHT_QUANT", "bit_num=8", *(f"{k}={v}" for k, v in common.items())]
    return "\n".join(lines) + "\n"


def settings_of(common: dict[str, str]) -> Settings:
    """The settings that a config means."""
    return Settings(
        min_size=int(common.get("min_quant_weight_size", "0")),
        min_channel=int(common.get("min_quant_weight_channel", "16")),
        is_encoded=common.get("enable_encode", "true") == "true",
        skipped=tuple(filter(None, common.get("skip_quant_node", "").split(","))),
    )


def configs_of(plain: MsFile, *, is_lenet: bool) -> dict[str, dict[str, str]]:
    """The configs to record, by name; two of them name nodes of the model."""
    if not is_lenet:
        return {"default": {}, "all_sizes": ALL_SIZES}
    products = [node for node in plain.nodes if node.op == "MatMulFusion" and plain.tensors[node.inputs[1]].data]
    weight = products[0].inputs[1]
    return {
        "default": {},
        "all_sizes": ALL_SIZES,
        "size_840": {"min_quant_weight_size": "840"},
        "size_839": {"min_quant_weight_size": "839"},
        "size_5000": {"min_quant_weight_size": "5000"},
        "channel_5": {"min_quant_weight_channel": "5"},
        "channel_6": {"min_quant_weight_channel": "6"},
        "not_encoded": {**ALL_SIZES, "enable_encode": "false"},
        "skip_one_node": {"skip_quant_node": products[0].name},
        "skip_all_readers": {"skip_quant_node": ",".join(n.name for n in plain.nodes if weight in n.inputs)},
    }


class Store:
    """Arrays by content: equal ones are stored once."""

    def __init__(self) -> None:
        self.arrays: dict[str, NDArray[Any]] = {}

    def put(self, array: NDArray[Any]) -> str:
        digest = hashlib.sha256(str((array.dtype, array.shape)).encode() + array.tobytes()).hexdigest()[:16]
        self.arrays[digest] = array
        return digest


def tensor_record(tensor: MsTensor, store: Store) -> dict[str, Any]:
    """One quantized tensor; arrays as keys into the store."""
    record: dict[str, Any] = {
        "dims": list(tensor.dims),
        "data_type": tensor.data_type,
        "compression": tensor.compression,
        "data": store.put(np.frombuffer(tensor.data, np.uint8)),
    }
    for field, dtype in PARAM_FIELDS.items():
        record[field] = store.put(np.array([getattr(param, field) for param in tensor.params], dtype))
    return record


def comparable(file: MsFile) -> dict[str, Any]:
    """All that quantization may change."""
    return {"tensors": {tensor.name: tensor for tensor in file.tensors}, "nodes": file.nodes}


def is_training(model: Path) -> bool:
    return "infer" not in model.stem and b"Default/optimizer-" in model.read_bytes()


def convert_to(folder: Path, oracle: Path, model: Path, common: dict[str, str] | None) -> MsFile:
    """Convert officially with the config (None: without any) and read the result."""
    output, config = folder / "out.ms", folder / "quant.cfg"
    output.unlink(missing_ok=True)
    config.write_text(config_text(common or {}), encoding="utf-8")
    done = convert(oracle, model, output, is_training=is_training(model), config=None if common is None else config)
    if done.status != 0:
        sys.exit(f"{model.name}: {done.ending}\n{done.log}")
    return read_ms(output)


def model_record(oracle: Path, model: Path, store: Store, *, is_lenet: bool) -> dict[str, Any]:
    """All configs of one model, each proved against the rules before it is recorded."""
    record: dict[str, Any] = {"model": str(model.relative_to(ROOT)), "configs": {}}
    with tempfile.TemporaryDirectory() as temporary:
        plain = convert_to(Path(temporary), oracle, model, None)
        if not is_lenet and not is_training(model):
            weights = {t.name: t for t in plain.tensors if t.data and t.data_type == FLOAT32 and len(t.dims) > 1}
            record["weights"] = {name: store.put(values(tensor)) for name, tensor in weights.items()}
        for name, common in configs_of(plain, is_lenet=is_lenet).items():
            found = convert_to(Path(temporary), oracle, model, common)
            if comparable(weight_quant(plain, settings_of(common))) != comparable(found):
                sys.exit(f"{model.name}, config {name}: the official result is not what the rules say")
            record["configs"][name] = {
                "config": config_text(common),
                "tensors": {name: tensor_record(t, store) for name, t in sorted(found.quantized().items())},
                "quantized_nodes": [node.name for node in found.nodes if node.quant_type == QUANT_WEIGHT],
            }
    return record


def write_set(oracle: Path, name: str, models: list[Path], *, is_lenet: bool) -> None:
    """Record a set of models into one JSON and one npz file."""
    store = Store()
    records = {model.stem: model_record(oracle, model, store, is_lenet=is_lenet) for model in models}
    (DATA / f"{name}.json").write_text(json.dumps(records, indent=1, sort_keys=True) + "\n", encoding="utf-8")
    arrays: dict[str, Any] = dict(sorted(store.arrays.items()))
    np.savez_compressed(DATA / f"{name}.npz", **arrays)
    sys.stdout.write(f"{name}: {len(records)} models, {sum(len(r['configs']) for r in records.values())} results\n")


def main() -> int:
    parser = argparse.ArgumentParser(description=(__doc__ or "").split("\n", maxsplit=1)[0])
    parser.add_argument("--oracle", help="folder of the installed oracle")
    oracle = oracle_folder(parser.parse_args().oracle)
    write_set(oracle, "lenet", LENETS, is_lenet=True)
    write_set(oracle, "cases", sorted((DATA / "cases").glob("*.mindir")), is_lenet=False)
    return 0


if __name__ == "__main__":
    sys.exit(main())
