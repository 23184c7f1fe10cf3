"""Graph passes: each a value with a name; their order is one tuple in `pipeline`."""
