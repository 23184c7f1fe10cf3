"""Passes of the stage 'fold'."""
