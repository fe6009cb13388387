"""What a card says of every version alike: what the model is for, who answers for it, and where its limits are."""

from monitoring.card_facts import CardFacts, Section


def purpose(facts: CardFacts) -> Section:
    """What the model is for and what not, and who answers for it."""
    return Section(
        name="purpose",
        title="What it is for",
        words=(
            "It says, two hours before each scheduled departure from EWR, JFK or LGA, how likely the flight is to "
            "arrive 15 minutes or more after schedule, as the US Department of Transportation counts a late flight. "
            "It is meant for planning around delays: whom to warn, where to keep a spare aircraft.",
            "Who answers for it: whoever runs the system and acts on its warnings. This is a reference system on data "
            "of 2013; no airline or airport stands behind it. Nobody promotes a version by hand: the record of the "
            "gate, further down, is all that lets one in, and it names what was asked.",
        ),
        points=(
            "Not for whether a flight is cancelled or diverted: it never learned from those.",
            "Not for safety, crew duty or compensation claims: a probability is no finding about a flight.",
            "Not for today's flights, other airports or other years without training and judging it on them.",
            "Not for blaming a carrier, an airport or an aircraft: what predicts a delay need not cause it.",
        ),
    )


def limits(facts: CardFacts) -> Section:
    """Where it is weak, in words that are true of this data."""
    days = facts.judged["evidence"]["gain"]["days"]
    return Section(
        name="limits",
        title="Limits",
        points=(
            "The tail number counts as planned days ahead. The data holds the aircraft that flew, so where one was "
            "swapped late, features of the aircraft know a little more than a plan would have.",
            "Cancelled and diverted flights get a prediction and never a label. On days when much is cancelled, "
            "quality is that of the flights that flew.",
            "All it knows is 2013: no season was seen twice, and the share of late flights runs from 14 % in "
            "September to 34 % in December.",
            "Three airports of New York: carriers and destinations with few flights there are known badly, and a "
            "carrier that the contract does not have counts as unknown.",
            "Weather is what was observed up to two hours before departure, at the origin: no forecast, and nothing "
            "of the weather at the destination.",
            f"The gate judged on {days} days. Flights of one day share their weather, so days are what counts, and "
            f"{days} of them say little about other months.",
            "Its files answer with the same bits on one kind of processor; another may round differently.",
        ),
    )
