"""Tuning of vision-language models on conversations of one's own: what is read, and how it is varied."""
