"""The tile engine: a raster of any size as tiles read ahead, worked on in parallel, never lost."""
