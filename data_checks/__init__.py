"""WHAT MAY ENTER: the contract of every feed, its suites, the quarantine. Imports nothing of ours."""
