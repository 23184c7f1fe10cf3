"""What tests share: recordings, tiny graphs, the checks of a pass, structural equality, golden files, commands."""

from __future__ import annotations
