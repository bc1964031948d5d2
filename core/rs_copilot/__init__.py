"""RS Copilot: locate UAV clips on satellite maps, and everything that follows from it."""

__version__ = "0.1.0"
