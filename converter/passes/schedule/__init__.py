"""Passes of the stage 'schedule'."""
