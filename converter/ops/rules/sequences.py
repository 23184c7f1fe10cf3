"""Recurrent layers. nn.RNN and nn.GRU need no row: MindSpore writes their steps out."""

from __future__ import annotations

from typing import TYPE_CHECKING

from converter.ops.adapters.recurrent import lstm, lstm_grad
from converter.ops.rule import Rule, keep

if TYPE_CHECKING:
    from collections.abc import Mapping

_ATTRS = keep("bidirectional", "dropout", "has_bias", "hidden_size", "input_size", "num_layers", "proj_size")

RULES: Mapping[str, Rule] = {
    "LSTM": Rule("LSTM", _ATTRS, adapter=lstm),
    "LSTMGrad": Rule("", _ATTRS, adapter=lstm_grad),
}
