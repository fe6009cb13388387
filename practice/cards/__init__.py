"""Incident cards: a scratch system that is broken, a symptom as a pager says it, and how an answer is graded."""
