"""Clips and what their aircraft said: video and still readers (doors), telemetry parsers (pure)."""
