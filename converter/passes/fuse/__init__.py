"""Passes of the stage 'fuse'."""
