"""Questions to a scene with the help of a vision-language model: it plans and looks, programs compute."""
