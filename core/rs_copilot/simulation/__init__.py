"""The demo world: a procedural town, its satellite image, a drone flight over it, and exact truth."""
