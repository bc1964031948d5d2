"""Detectors: what they find in a picture, how it is read from networks of all kinds, what counts twice."""
