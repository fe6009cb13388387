"""Faults that are put into a scratch copy of the system, and what has to notice, answer and mend each."""
