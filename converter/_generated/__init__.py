"""Generated bindings; see generate.py."""
