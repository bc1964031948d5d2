"""Questions about a scene through a vision-language model: it plans, programs compute, words add no fact."""
