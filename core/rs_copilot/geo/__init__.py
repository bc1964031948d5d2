"""Pure geometry: camera, homography, coordinate reference systems, footprints."""
