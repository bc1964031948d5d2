"""The engine as a process of its own: named methods over a byte stream, see `rs_copilot.protocol`."""
