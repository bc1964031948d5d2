"""From a scene's GeoPackage to styled layers in one group, ready for the temporal controller."""
