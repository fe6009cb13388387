"""Drills of the labels: the truth changes with the season, comes late, or is wrong."""

from collections.abc import Callable
from datetime import date

import polars as pl

from data_checks import schema as s
from monitoring.decision import PAGE, RETRAIN, WAIT
from monitoring.labels import IS_LATE, known_labels
from monitoring.week_facts import LOWEST_COVERAGE
from pipelines.clock import Week
from pipelines.model_faults import CARRIER
from practice.drills.feeds import deliver, week_of_source
from practice.drills.ground import Played
from practice.drills.lives import SPRING, SUMMER, copy_of
from practice.drills.scene import Drill, Scene

JULY = Week(date(2013, 7, 8))
SEPTEMBER, AFTER = Week.holding(SUMMER.until).plus(1), Week.holding(SUMMER.until).plus(2)
FIRST, SECOND, THIRD = (Week.holding(SPRING.until).plus(weeks) for weeks in (1, 2, 3))
"""The weeks that are left to be lived in the spring."""
HELD_LATE, HELD_OTHERS = 0.8, 0.5
"""Shares of late and of other arrivals whose report comes a week late: who lands late reports late."""
TURNED_LATE_MIN, TURNED_EARLY_MIN = 30, 0
"""What a flipped arrival says of its delay: one that was in time, one that was late."""
OFF = "mean probability is"
"""What a decision says that was taken as probabilities and labels part."""
ARRIVED = pl.col(s.EVENT) == s.ARRIVED
WAS_LATE = pl.col(s.DELAY) >= s.LATE_MIN


def season_turns(scene: Scene) -> None:
    """The champion of July meets September: nobody broke anything, the world is another."""
    played = copy_of(scene, SUMMER)
    calm, before = played.context.journal.events("decide"), played.context.answering_version()
    shares = [_late_share(week_of_source(played, s.OUTCOMES, week)) for week in (JULY, SEPTEMBER)]
    scene.inject(
        f"the week of {SEPTEMBER.id} is lived: {shares[1]:.0%} of its flights are late, in that of {JULY.id} "
        f"it was {shares[0]:.0%}",
        lambda: live_until(played, SEPTEMBER),
    )
    decision: dict = scene.detect(
        lambda: _decided_as_off(played),
        lambda event: event["reason"],
    )
    scene.require(decision["week"] == SEPTEMBER.id, f"in none of the {len(calm)} weeks before was it said")
    verdict = played.event(SEPTEMBER, "promote")
    scene.respond(
        decision["action"] == RETRAIN and verdict.get("promoted"),
        f"a challenger was trained and let in: version {verdict.get('champion')} answers after version {before}",
    )
    evidence = played.event(SEPTEMBER, "gate")["evidence"]
    gaps = [_gap(evidence[who]) for who in ("rival", "challenger")]
    scene.require(
        abs(gaps[1]) < abs(gaps[0]),
        f"on flights that neither had learned from the old one is {gaps[0]:+.3f} off, the new one {gaps[1]:+.3f}",
    )
    live_until(played, AFTER)
    measured = played.event(AFTER, "monitor")
    ours, frozen = (measured[who]["log_loss"] for who in ("realised", "frozen"))
    scene.recover(
        measured["version"] == verdict["champion"] and ours < frozen,
        f"in the week after its log loss is {ours:.3f}, where version {before} would have had {frozen:.3f}; its mean "
        f"is {measured['realised']['calibration_gap']:+.3f} off, as one week may be",
    )


def labels_come_late(scene: Scene) -> None:
    """Most labels of a week are missing at its end, the late ones above all; they come, and then they are corrected."""
    played, feed = copy_of(scene, SPRING), s.OUTCOMES
    truth = week_of_source(played, feed, FIRST)
    held = hold_back(truth, played.settings.seed)
    scene.inject(
        f"{held.height} of {truth.filter(ARRIVED).height} arrivals of week {FIRST.id} are reported a week late, "
        "four in five of the late ones",
        lambda: change_source(played, feed, lambda rows: rows.join(held, on=feed.key, how="anti")),
    )
    live_until(played, FIRST)
    measured: dict = scene.detect(
        lambda: _provisional(played, FIRST),
        lambda event: (
            f"labels of {event['coverage']['share']:.0%} of the flights are known, needed "
            f"{LOWEST_COVERAGE:.0%}: by those alone the model would be {event['realised']['calibration_gap']:+.3f} off"
        ),
    )
    decision = played.event(FIRST, "decide")
    scene.respond(
        decision["action"] == WAIT and "labels of" in decision["reason"], f"nothing is done: {decision['reason']}"
    )
    by_labels = [one for one in measured["alarms"] if one["detector"] in ("quality", "calibration", "slices", "labels")]
    scene.require(
        all(one["is_provisional"] for one in by_labels) and not played.event(FIRST, "train"),
        f"{len(by_labels)} alarms that need labels are noted as provisional, and nothing was trained",
    )
    came = deliver(played, feed, held)
    revised = revise(held)
    deliver(played, feed, revised, "--corrects", came["entry"]["batch"])
    live_until(played, SECOND)
    recent = played.event(SECOND, "monitor")
    expected = truth.filter(ARRIVED, WAS_LATE).height - revised.height
    late = _late_by_labels(played, truth.filter(ARRIVED), SECOND)
    scene.recover(
        late == expected and recent["label_coverage"] >= LOWEST_COVERAGE,
        f"{held.height} labels came and {revised.height} of them were corrected: {late} flights of the week count as "
        f"late, and {recent['label_coverage']:.0%} of the labels of four weeks are known",
    )


def labels_are_poisoned(scene: Scene) -> None:
    """One carrier's arrivals say the opposite for two weeks, each row in keeping with the contract."""
    played, feed = copy_of(scene, SPRING), s.OUTCOMES
    trained, champion = len(played.context.journal.events("gate")), played.context.answering_version()
    truth = {week: of_carrier(week_of_source(played, feed, week)) for week in (FIRST, SECOND)}
    scene.inject(
        f"{sum(rows.height for rows in truth.values())} arrivals of {CARRIER} in two weeks: late ones say in time, "
        "the others say late",
        lambda: change_source(played, feed, flip_labels),
    )
    live_until(played, SECOND)
    alarm: dict = scene.detect(
        lambda: _named(played, SECOND, "labels", f"carrier={CARRIER}"), lambda one: f"labels {one['reason']}"
    )
    decision = played.event(SECOND, "decide")
    scene.respond(
        decision["action"] == PAGE and alarm["subject"] in decision["reason"],
        f"it has stood for two weeks, and a person is asked before any training: {decision['reason'][:100]}...",
    )
    scene.require(
        len(played.context.journal.events("gate")) == trained and played.context.answering_version() == champion,
        f"no challenger was trained on these labels, version {champion} answers",
    )
    for week, rows in truth.items():
        wrong = next(iter(played.event(week, "validate")["feeds"][feed.name]["batches"]))
        deliver(played, feed, rows.with_columns(pl.lit(1, pl.Int64).alias(s.REVISION)), "--corrects", wrong)
    live_until(played, THIRD)
    late = sum(_late_by_labels(played, rows, THIRD) for rows in truth.values())
    expected = sum(rows.filter(WAS_LATE).height for rows in truth.values())
    scene.recover(
        late == expected and not _named(played, THIRD, "labels", f"carrier={CARRIER}"),
        f"{CARRIER} has corrected both weeks: {late} of its flights count as late, and the next week rings no bell",
    )


def hold_back(outcomes: pl.DataFrame, seed: int) -> pl.DataFrame:
    """The arrivals that are reported late: most of the late ones, half of the others."""
    arrived = outcomes.filter(ARRIVED)
    parts = [
        arrived.filter(which).sample(fraction=share, seed=seed)
        for which, share in ((WAS_LATE, HELD_LATE), (~WAS_LATE, HELD_OTHERS))
    ]
    return pl.concat(parts).sort(s.KNOWN_AT, s.FLIGHT_ID)


def revise(arrivals: pl.DataFrame) -> pl.DataFrame:
    """The second word on those that were late by less than half an hour: they were in time after all."""
    doubtful = arrivals.filter(WAS_LATE, pl.col(s.DELAY) < 2 * s.LATE_MIN)
    return doubtful.with_columns(
        pl.lit(s.LATE_MIN - 1, dtype=pl.Int64).alias(s.DELAY), (pl.col(s.REVISION) + 1).alias(s.REVISION)
    )


def of_carrier(outcomes: pl.DataFrame, carrier: str = CARRIER) -> pl.DataFrame:
    """The arrivals of one carrier."""
    return outcomes.filter(ARRIVED, _flown_by(carrier))


def flip_labels(outcomes: pl.DataFrame) -> pl.DataFrame:
    """The outcomes, arrivals of the carrier in two weeks saying the opposite, and coming when they would have come."""
    moment = pl.col(s.KNOWN_AT)
    wrong = ARRIVED & _flown_by(CARRIER) & (moment >= FIRST.start) & (moment < SECOND.end)
    turned = pl.when(WAS_LATE).then(TURNED_EARLY_MIN).otherwise(TURNED_LATE_MIN)
    return outcomes.with_columns(
        pl.when(wrong).then(turned).otherwise(s.DELAY).cast(pl.Int64).alias(s.DELAY),
        pl.when(wrong).then(moment + pl.duration(minutes=turned - pl.col(s.DELAY))).otherwise(moment).alias(s.KNOWN_AT),
    )


def live_until(played: Played, week: Week) -> None:
    """Live up to the end of a week."""
    played.must("replay", "--until", week.days()[-1].isoformat())


def change_source(played: Played, feed: s.Feed, change: Callable[[pl.DataFrame], pl.DataFrame]) -> None:
    """Let a feed have other rows than it has."""
    staged = played.context.staged_source()
    rows = played.store.read_table(staged, feed.name)
    played.store.write_table(staged, feed.name, change(rows).select(rows.columns).cast(rows.schema))


def _flown_by(carrier: str) -> pl.Expr:
    return pl.col(s.FLIGHT_ID).str.contains(f"-{carrier}\\d")


def _decided_as_off(played: Played) -> dict | None:
    """The first decision of that life that was taken because the mean probability is off the late share."""
    return next((one for one in played.context.journal.events("decide") if OFF in one["reason"]), None)


def _provisional(played: Played, week: Week) -> dict | None:
    measured = played.event(week, "monitor")
    return measured if measured.get("coverage", {}).get("is_provisional") else None


def _named(played: Played, week: Week, detector: str, subject: str) -> dict | None:
    """The alarm of a detector about that subject, in a week."""
    alarms = played.event(week, "monitor").get("alarms", ())
    return next((one for one in alarms if (one["detector"], one["subject"]) == (detector, subject)), None)


def _late_by_labels(played: Played, flights: pl.DataFrame, at: Week) -> int:
    """How many of these flights are late by the labels known at the end of a week."""
    labels = known_labels(played.context.accepted(s.OUTCOMES, at), at.end)
    return labels.filter(pl.col(IS_LATE)).join(flights, on=s.FLIGHT_ID, how="semi").height


def _late_share(outcomes: pl.DataFrame) -> float:
    return outcomes.filter(ARRIVED).select(WAS_LATE.mean()).item()


def _gap(quality: dict) -> float:
    return quality["mean_probability"] - quality["late_share"]


DRILLS = (
    Drill(
        name="label-shift",
        title="The season turns",
        fault="nothing is broken: a champion fitted on the storms of July meets September, real flights of 2013",
        detector="the decision of the week: the mean probability against the late share of the last weeks' labels",
        response="a challenger is trained, has to pass the gate, and answers",
        runbook="`preflight shift 2013-09` says how much of it the inputs explain and how much only labels show",
        story=(
            "In July every third flight was late, in September every seventh. Nobody deployed anything and no feed "
            "broke: the share of late flights itself moved. A drift report rings for it and for every other season "
            "too, so it is context here and never a reason to train. What counts is quality on labels: the mean "
            "probability is more than six points above what happened. That asks for a training, and since the same "
            "recipe on newer rows is a bet like any other, the gate decides on flights that neither model had learned "
            "from. The order matters: measure, decide, train, judge. It costs one training, and one week of answers "
            "that were too gloomy, since the truth of a week is known at its end."
        ),
        play=season_turns,
        disarm=(
            (
                "monitoring/decision.py",
                "    found = {}\n    if signals.expected_skill",
                "    return {}\n    if signals.expected_skill",
            ),
        ),
    ),
    Drill(
        name="delayed-labels",
        title="The truth comes late",
        fault="most arrivals of a week, above all the late ones, are reported a week later, and then corrected",
        detector="label coverage: below 90 % every metric of the week is provisional",
        response="the week is measured and noted, and nothing is decided by it",
        runbook="`preflight deliveries` says what landed when; ask who reports, then `preflight deliver outcomes FILE`",
        story=(
            "Labels that are missing are never missing at random: who lands late reports late. So the labels that are "
            "there say that nearly everybody was in time, and a monitor that just averages them finds a model which "
            "has suddenly become too gloomy, and retrains on exactly the wrong half of the truth. The remedy is dull: "
            "count how many labels there could be, and below nine in ten call every metric provisional. It is shown, "
            "it triggers nothing. When the rest arrives it is known from the moment it arrived, not from the moment it "
            "is about, so that no past measurement changes; the next one uses the last word on every flight. The price "
            "is a week of patience."
        ),
        play=labels_come_late,
        disarm=(("monitoring/week_facts.py", "LOWEST_COVERAGE = 0.9\n", "LOWEST_COVERAGE = 0.0\n"),),
    ),
    Drill(
        name="poisoned-labels",
        title="One carrier's labels are wrong",
        fault="the arrivals of one carrier say the opposite for two weeks; every row keeps the contract",
        detector="the labels detector: each slice's late share beside that of all, against the weeks before",
        response="a person is paged by the name of the carrier, before any training",
        runbook=(
            "`preflight alarms` names the slice; ask that carrier, then `preflight deliver outcomes FILE --corrects "
            "BATCH`"
        ),
        story=(
            "The dangerous thing about wrong labels is that every downstream check believes them. The gate would judge "
            "a challenger by the same lie that it has learned, and let it in with a fine gain. Overall metrics move by "
            "two points, which is weather. Seen by slice it is a scream: one carrier was late half as often as all "
            "others for weeks, and now four times as often. We compare slices with all flights of the same week, so "
            "that a storm moves nobody. And the order of rules is the response: labels that changed by themselves ask "
            "for a person, and that rule stands before every rule that trains. Corrections come in as second words; "
            "nothing is overwritten."
        ),
        play=labels_are_poisoned,
        disarm=(("monitoring/history_bands.py", '    LABELS: ("both", _late_shares),\n', ""),),
    ),
)
