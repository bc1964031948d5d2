"""Networks of the user's own that run in torch: an extra, so that everything else runs without it."""
