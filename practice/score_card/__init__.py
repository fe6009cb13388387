"""The ML Test Score of this system, measured by probes that a stranger can run."""
