"""Scenes: the layer table as data, pure builders of tables, and the doors to files."""
