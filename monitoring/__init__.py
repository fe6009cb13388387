"""WHAT WE WATCH: labels, quality, drift, the decision to act, the page. Receives dataframes, never builds features."""
