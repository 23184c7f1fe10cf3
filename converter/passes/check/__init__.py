"""Checks of the finished graph: what the device would refuse, or get wrong in silence."""
