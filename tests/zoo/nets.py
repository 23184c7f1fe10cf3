"""All networks by name."""

from __future__ import annotations

import inference_networks
import layers
import lenet
import networks

NETS = {**lenet.NETS, **layers.NETS, **networks.NETS, **inference_networks.NETS}
