"""Quantization of weights: policy, arithmetic, application."""
