"""Passes of the stage 'layout'."""
