"""Names of the networks of `flow_nets`, importable without MindSpore."""

from __future__ import annotations

FLOW_CASES = (
    "flow_if",
    "flow_chain",
    "flow_while",
    "flow_nested",
    "flow_for",
    "flow_images",
    "flow_sizes",
    "flow_calls",
    "flow_skips",
    "flow_picks",
    "flow_layers",
    "dynamic_batch",
    "dynamic_lenet",
    "dynamic_pixels",
    "dynamic_length",
    "dynamic_tokens",
    "dynamic_filled",
    "dynamic_shapes",
)
