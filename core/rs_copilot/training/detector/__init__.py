"""The project's own small detector: its network, what it learns from, its training and export."""
