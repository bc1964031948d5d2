"""Networks that name every pixel, and the polygons that their answers become."""
