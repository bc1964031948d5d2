"""Vision-language models that run in this process, on torch and transformers."""

from rs_copilot.learned.vlm.loading import open_local, save_quantised

__all__ = ["open_local", "save_quantised"]
