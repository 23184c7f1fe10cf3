"""Passes of the stage 'normalize'."""
