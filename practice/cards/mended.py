"""What many cards ask of a system: does it serve as batch scored, can the week be lived?"""

import re

from practice.cards.card import Facts
from practice.drills.ground import NEXT, Played

RESTORED = ("preflight restore {backup} --replace",)
"""The commands that bring last night's backup back."""


def serves_as_batch(played: Played, facts: Facts) -> bool:
    """Whether a service starts from this home and answers as batch scoring did."""
    return played.run("parity").returncode == 0


def has_gone_on(played: Played, facts: Facts) -> bool:
    """Whether the week to come was lived, or can be."""
    return played.run("replay").returncode == 0 and played.store.has_table("predictions", NEXT.id)


def flight_off(played: Played) -> str:
    """The flight whose answer is farthest off batch, as parity says."""
    said = played.run("parity").stderr
    found = re.search(r"the most is (\S+):", said)
    return found[1] if found else ""
