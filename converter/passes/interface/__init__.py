"""Inputs and outputs as the user asks for them: their shapes and types. Their layouts are decided with all others."""
