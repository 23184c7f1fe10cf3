"""Record what the official converter stores for every width: `python tests/oracle/record_bits.py`.

A digest per weight: element type, compression, bytes and parameters. Slots of optimizers are left out, since ours does
not quantize them; so are models on which the official converter dies.
"""

from __future__ import annotations

import hashlib
import json
import sys
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from ms_file import MsTensor, read_ms
from official import convert, oracle_folder
from ours import CASES, ROOT, ZOO
from record_quant import is_training

if TYPE_CHECKING:
    from collections.abc import Iterable

BITS = (1, 2, 3, 4, 5, 6, 7, 9, 12, 15, 16)
SLOTS = ("moments.", "moment1.", "moment2.", "accum.", "stat.")
MODELS = (ZOO / "ms200" / "lenet_infer.mindir", ZOO / "ms200" / "lenet_momentum_sparse.mindir")
TARGET = ROOT / "tests" / "quantize" / "data" / "bits.json"


def config_text(bits: int) -> str:
    return f"[common_quant_param]\nquant_type=WEIGHT_QUANT\nbit_num={bits}\nmin_quant_weight_channel=0\n"


def digest(
    data_type: int, compression: int, data: bytes, params: Iterable[tuple[float, int, int, float, float]]
) -> str:
    """One string for all that a file says about a weight."""
    found = hashlib.sha256(f"{data_type} {compression} ".encode() + data)
    for param in params:
        found.update(np.array(param, np.float64).tobytes())
    return found.hexdigest()[:16]


def official_digest(tensor: MsTensor) -> str:
    params = [(p.scale, p.zero_point, p.bits, p.var_corr, p.mean_corr) for p in tensor.params]
    return digest(tensor.data_type, tensor.compression, tensor.data, params)


def record(oracle: Path, model: Path, bits: int) -> dict[str, str] | None:
    """Digests by tensor; None where the official converter fails."""
    with tempfile.TemporaryDirectory() as folder:
        config, output = Path(folder, "bits.cfg"), Path(folder, "official.ms")
        config.write_text(config_text(bits), encoding="utf-8")
        if convert(oracle, model, output, is_training=is_training(model), config=config).status != 0:
            return None
        found = read_ms(output).quantized()
    return {name: official_digest(tensor) for name, tensor in sorted(found.items()) if not name.startswith(SLOTS)}


def main() -> None:
    """Record all models."""
    oracle = oracle_folder()
    records: dict[str, dict[str, dict[str, str]]] = {}
    for model in (*MODELS, *sorted(CASES.glob("*.mindir"))):
        widths = BITS if model in MODELS else (4, 12)
        found = {str(bits): record(oracle, model, bits) for bits in widths}
        records[model.relative_to(ROOT).as_posix()] = {bits: each for bits, each in found.items() if each is not None}
    TARGET.write_text(json.dumps(records, indent=1) + "\n", encoding="utf-8")


if __name__ == "__main__":
    sys.exit(main())
