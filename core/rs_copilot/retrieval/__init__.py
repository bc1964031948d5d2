"""Cross-view retrieval: which tiles of a satellite raster look like a UAV frame."""
