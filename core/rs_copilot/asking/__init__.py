<<<<<<< HEAD
"""Questions about a scene through a vision-language model: it plans, programs compute, words add no fact."""
=======
"""Questions to a scene with the help of a vision-language model."""
>>>>>>> w/priors
