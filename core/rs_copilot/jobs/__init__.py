"""One use case per file: the only layer that the command line and the worker call."""
