"""A second data set through the general parts of Preflight: handwritten digits instead of flights."""
