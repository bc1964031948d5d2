"""Image registration: orientation fields, FFT correlation, local refinement, frame-to-frame motion."""
