"""Rasters: windowed, reprojected reads (doors); stretch, bands, black borders (pure)."""
