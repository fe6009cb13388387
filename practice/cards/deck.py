"""All cards, and which of them is dealt."""

import random
from collections.abc import Sequence

from practice.cards import artefacts, copies, feeds, records, serving
from practice.cards.card import Card

LEVELS = {
    1: "one look names it: the refusal of a command, the list of deliveries",
    2: "two things have to be held beside each other",
    3: "everything that is usually looked at is fine",
}
CARDS: tuple[Card, ...] = tuple(
    sorted(
        (*feeds.CARDS, *copies.CARDS, *artefacts.CARDS, *serving.CARDS, *records.CARDS),
        key=lambda card: (card.level, card.name),
    )
)


def find_card(name: str, cards: Sequence[Card] = CARDS) -> Card | None:
    """The card of that name, None when there is none."""
    return next((card for card in cards if card.name == name), None)


def draw(level: int | None, seed: int, cards: Sequence[Card] = CARDS) -> Card:
    """A card of a level, or of any: the same seed draws the same."""
    return random.Random(f"draw {seed}").choice([card for card in cards if level in (None, card.level)])
