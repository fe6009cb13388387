"""THE FRONT DOOR: the `preflight` command. Imports every room; no room imports it."""
