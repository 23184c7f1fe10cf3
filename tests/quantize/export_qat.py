"""Exports a network with FakeQuant nodes by MindSpore's own quantization-aware API, inside MindSpore 1.6.2.

    python tests/quantize/export_qat.py tests/quantize/data

The API wants a GPU or an Ascend as target; exporting needs neither, so the target is only named.
"""

from __future__ import annotations

import sys
from pathlib import Path

import mindspore as ms
import numpy as np
from mindspore import Tensor, context, nn
from mindspore.compression.quant import QuantizationAwareTraining


class Net(nn.Cell):
    """A convolution and two dense layers, each with its activation."""

    def __init__(self) -> None:
        super().__init__()
        self.conv1 = nn.Conv2dBnAct(2, 5, 3, pad_mode="valid", has_bias=True, activation="relu")
        self.conv2 = nn.Conv2dBnAct(5, 7, 3, pad_mode="valid", has_bias=True, activation="relu")
        self.flatten = nn.Flatten()
        self.fc1 = nn.DenseBnAct(7 * 3 * 7, 11, activation="relu")
        self.fc2 = nn.DenseBnAct(11, 3, activation=None)

    def construct(self, x: Tensor) -> Tensor:
        return self.fc2(self.fc1(self.flatten(self.conv2(self.conv1(x)))))


def main(folder: Path) -> None:
    """Prepare, fill in ranges, export."""
    ms.set_seed(3)
    context.set_context(mode=context.GRAPH_MODE, device_target="CPU")
    real = context.get_context
    context.get_context = lambda key: "GPU" if key == "device_target" else real(key)
    quantizer = QuantizationAwareTraining(bn_fold=False, per_channel=[True, False], symmetric=[True, False])
    net = quantizer.quantize(Net())
    numbers = np.random.default_rng(5)
    for parameter in net.get_parameters():
        if parameter.name.endswith(("weight", "bias")):
            parameter.set_data(Tensor(numbers.normal(size=parameter.shape).astype(np.float32) * 0.2))
    weights = {parameter.name: parameter.asnumpy() for parameter in net.get_parameters()}
    for parameter in net.get_parameters():
        # What the observers have seen after training: the range of the weights, and of activations behind a ReLU.
        if "fake_quant_weight" in parameter.name:
            weight = weights[parameter.name.rsplit(".", 2)[0] + ".weight"]
            rows = weight.reshape(len(weight), -1)
            found = rows.min(axis=1) if parameter.name.endswith("minq") else rows.max(axis=1)
            parameter.set_data(Tensor(found.astype(np.float32)))
        elif "fake_quant_act" in parameter.name:
            low = 0.0 if not parameter.name.startswith("fc2") else -3.0
            parameter.set_data(Tensor(np.array([low if parameter.name.endswith("minq") else 3.0], np.float32)))
    image = Tensor(numbers.normal(size=(3, 2, 7, 11)).astype(np.float32))
    ms.export(net, image, file_name=str(folder / "qat"), file_format="MINDIR")


if __name__ == "__main__":
    main(Path(sys.argv[1]))
