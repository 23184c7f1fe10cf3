"""Passes of the stage 'adapt'."""
