"""All networks by name."""

from __future__ import annotations

import layers
import lenet
import networks

NETS = {**lenet.NETS, **layers.NETS, **networks.NETS}
