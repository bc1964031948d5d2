"""Vision-language models: what is said to them, what they answer, and where on the ground that is."""
