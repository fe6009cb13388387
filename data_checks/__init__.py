"""WHAT MAY ENTER: the contract of every feed, its Great Expectations suites, the quarantine. Imports nothing of ours."""
