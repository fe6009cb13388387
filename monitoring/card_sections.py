"""What was measured of a version, as the sections of its card: every check, slice, gap and hash of its record."""

from collections.abc import Iterator

from monitoring.card_facts import CardFacts, Section, Table
from monitoring.card_plots import plot_reliability
from monitoring.card_sources import artefact, data, environment, lineage, parameters
from monitoring.card_words import limits, purpose
from monitoring.fairness import LARGE, SMALL, Gap
from monitoring.figures import NONE, count, metric, readable, share, signed, yes_or_no
from monitoring.quality import Quality

BASE_RATE_SAYS_THE_SAME = "none: the base rate says the same of everybody"


def sections_of(facts: CardFacts) -> tuple[Section, ...]:
    """The card from top to bottom, as a reader asks."""
    return (
        purpose(facts),
        data(facts),
        parameters(facts),
        quality(facts),
        slices(facts),
        calibration(facts),
        decision(facts),
        fairness(facts),
        limits(facts),
        gate(facts),
        lineage(facts),
        artefact(facts),
        environment(facts),
    )


def quality(facts: CardFacts) -> Section:
    """How good it was on the newest flights, beside its rival."""
    evidence = facts.judged["evidence"]
    ours, theirs = (Quality(**evidence[side]) for side in ("challenger", "rival"))
    measures = {
        "ROC-AUC, higher is better": lambda one: metric(one.roc_auc),
        "log loss, lower is better": lambda one: metric(one.log_loss),
        "Brier score, lower is better": lambda one: metric(one.brier),
        "skill against the late share, 1 is perfect": lambda one: metric(one.skill),
        "mean probability less late share, 0 is best": lambda one: signed(one.calibration_gap),
    }
    rows = tuple((name, measure(ours), measure(theirs)) for name, measure in measures.items())
    return Section(
        name="quality",
        title="Quality",
        words=(
            *_whose(facts),
            f"Measured on {count(ours.flights)} flights of {evidence['gain']['days']} days that it had not learned "
            f"from, {share(ours.late_share)} of them late, beside {evidence['rival_name']} on the same flights.",
        ),
        tables=(
            Table("On the flights that judged", ("measure", "this model", evidence["rival_name"]), rows),
            Table(
                "With intervals, from drawing whole days again",
                ("figure", "value", "at least", "at most"),
                tuple(_intervals(evidence, facts.judged["rules"]["confidence"])),
            ),
        ),
    )


def slices(facts: CardFacts) -> Section:
    """Every slice that the gate looked at."""
    found = facts.judged["evidence"]["slices"]
    rows = tuple(
        (one["family"], one["name"], count(one["flights"]), count(one["late"]), metric(one["roc_auc"]),
         signed(one["gain"]), signed(one["gain_at_most"]))
        for one in found
    )  # fmt: skip
    heads = ("family", "slice", "flights", "late", "ROC-AUC", "gain in log loss", "gain at most")
    said = (
        f"Parts of the same flights; gain is over {facts.judged['evidence']['rival_name']}, above 0 is better. What is "
        "surely below 0 would be a part of the flights that got worse. A slice with too few flights is not judged."
    )
    nothing = "No slice had enough flights to be judged."
    return Section("slices", "Slices", (*_whose(facts), said if found else nothing),
                   tables=(Table("Every slice that was judged", heads, rows),) if found else ())  # fmt: skip


def calibration(facts: CardFacts) -> Section:
    """Whether probabilities mean what they say."""
    measured = facts.judged["evidence"]["reliability"]
    ece, brier = measured["ece"], measured["brier"]
    rows = tuple(
        (count(one["flights"]), metric(one["mean_probability"]), metric(one["late_share"]), metric(one["lower"]),
         metric(one["upper"]))
        for one in measured["bins"]
    )  # fmt: skip
    return Section(
        name="calibration",
        title="Calibration",
        words=(
            *_whose(facts),
            f"Expected calibration error {metric(ece['value'])} ({metric(ece['lower'])} to {metric(ece['upper'])}), "
            f"Brier score {metric(brier['value'])} ({metric(brier['lower'])} to {metric(brier['upper'])}); in brackets "
            "what holds 95 % when days are drawn again. 0 is best for both.",
            _calibrated_by(facts),
        ),
        tables=(
            Table(
                "Reliability: bins of about as many flights each, with what holds 95 % of their late share",
                ("flights", "said on average", "late", "at least", "at most"),
                rows,
            ),
        ),
        plot=plot_reliability(measured["bins"]),
    )


def decision(facts: CardFacts) -> Section:
    """From which probability on somebody is warned, and what that costs."""
    threshold, evidence = facts.manifest["decision_threshold"], facts.judged["evidence"]
    return Section(
        name="decision",
        title="Decision threshold and cost",
        words=(
            f"A flight is warned of from a probability of {readable(threshold)} on: the cheapest threshold where a "
            f"late flight nobody was warned of costs {readable(round((1 - threshold) / threshold, 9))} times a false "
            "alarm, if probabilities are calibrated.",
            f"A thousand flights decided so cost {readable(evidence['cost_per_thousand'])}; decided by "
            f"{evidence['rival_name']}, they cost {readable(evidence['rival_cost_per_thousand'])}. The unit is that of "
            "the settings, the cost of one false alarm unless they say otherwise.",
        ),
    )


def fairness(facts: CardFacts) -> Section:
    """How small carriers and destinations fare beside large ones."""
    found = facts.judged["evidence"]["fairness"]
    heads = ("family", "small", "large", "missed, small", "missed, large", "gap of missed", "false alarms, small",
             "false alarms, large", "gap of false alarms", "worst gap", "worst gap of the rival")  # fmt: skip
    said = (
        "Small are carriers and destinations with few of the flights. Missed is the share of late flights nobody was "
        "warned of, false alarms the share of the others that were warned of; a gap is small less large, 0 is best. "
        "Measured with fairlearn. Nothing is known of the people on board, so nothing is said about them."
    )
    nothing = "No family had late flights and others both among the small and the large: nothing was measured."
    return Section("fairness", "Fairness", (*_whose(facts), said if found else nothing),
                   tables=(Table("Small against large", heads, tuple(_gaps(facts))),) if found else ())  # fmt: skip


def gate(facts: CardFacts) -> Section:
    """The verdict and every check, with the hashes of the records that hold them."""
    judged = facts.judged
    tables = [_checks(f"The gate's checks of version {judged['version']}", judged["checks"])]
    hashes = [f"Record of version {judged['version']}, SHA-256 of its content: {judged['sha256']}"]
    if facts.is_refit:
        tables.insert(0, _checks(f"The checks of version {facts.version}, the refit", facts.record["checks"]))
        hashes.insert(0, f"Record of version {facts.version}, SHA-256 of its content: {facts.record['sha256']}")
    return Section(
        name="gate",
        title="Gate record",
        words=(f"{facts.verdict.capitalize()}, decided on {facts.record['decided_on']}: {facts.record['reason']}.",),
        points=tuple(hashes),
        tables=tuple(tables),
    )


def _whose(facts: CardFacts) -> tuple[str, ...]:
    """A refit has learned from the rows that judge: what is known of it is what its candidate was."""
    if not facts.is_refit:
        return ()
    judged = facts.judged["version"]
    return (f"These are the figures of version {judged}, its candidate: nothing is left to judge the refit on.",)


def _intervals(evidence: dict, confidence: float) -> Iterator[tuple[str, ...]]:
    name, gain, saved = evidence["rival_name"], evidence["gain"], evidence["cost_saved"]
    bound = f"{confidence:.0%} one-sided"
    yield (f"log loss gained over {name}, {bound}", signed(gain["mean"]), signed(gain["lower"]), NONE)
    at_most = f"{evidence['cost_saved_at_most']:+.1f}"
    yield (f"cost saved per thousand flights, {bound}", f"{saved['mean']:+.1f}", f"{saved['lower']:+.1f}", at_most)
    for figure, words in (
        ("brier", "Brier score, 95% two-sided"),
        ("ece", "expected calibration error, 95% two-sided"),
    ):
        one = evidence["reliability"][figure]
        yield (words, metric(one["value"]), metric(one["lower"]), metric(one["upper"]))


def _calibrated_by(facts: CardFacts) -> str:
    chosen, kind = facts.judged_lineage.get("calibrated_by"), facts.manifest["calibration"]["kind"]
    how = "The map from scores to probabilities is" if not facts.is_refit else "As its candidate's, the map is"
    return f"{how} {kind}: {chosen['reason'] if chosen else 'how it was chosen is not noted'}."


def _gaps(facts: CardFacts) -> Iterator[tuple[str, ...]]:
    for one in facts.judged["evidence"]["fairness"]:
        ours, theirs = Gap(**one["challenger"]), Gap(**one["rival"])
        yield (
            one["family"],
            *(count(ours.flights[size]) for size in (SMALL, LARGE)),
            *(share(ours.missed[size]) for size in (SMALL, LARGE)),
            signed(ours.missed_gap),
            *(share(ours.false_alarms[size]) for size in (SMALL, LARGE)),
            signed(ours.false_alarm_gap),
            metric(ours.worst),
            metric(theirs.worst) if facts.has_champion else BASE_RATE_SAYS_THE_SAME,
        )


def _checks(caption: str, checks: list[dict]) -> Table:
    heads = ("check", "found", "needed", "passed", "in words")
    return Table(
        caption,
        heads,
        tuple(
            (check["name"], readable(check["value"]), check["bound"], yes_or_no(check["passed"]), check["sentence"])
            for check in checks
        ),
    )
