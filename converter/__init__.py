"""Pure-Python converter from MindSpore MindIR to trainable MindSpore Lite `.ms` models."""
