"""Twelve weeks of a sorting machine, told line by line: every number in a sentence was measured just then."""

from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

import polars as pl

from data_checks.validation import BatchBlocked
from examples.second_data_set import contract as c
from examples.second_data_set import door, gate, watch
from examples.second_data_set import source as src
from examples.second_data_set.features import FEATURES, IS_EAST, build_features, known_labels
from examples.second_data_set.training import ENCODING, PROTOCOL, Model, train
from infra.records import PromotionRefused, require_yes
from monitoring.alarms import Alarm
from monitoring.decision import RETRAIN
from monitoring.quality import measure_quality
from pipelines.calibration_map import CalibrationMap
from pipelines.estimators import LOGISTIC, ModelParameters
from pipelines.protocol import slice_time
from pipelines.reasons import give_reasons

BAD_ROWS_IN, OTHER_UNITS_IN, FIRST_TRAINING = 3, 9, 6
HURRIED_WEEKS = 4  # two of them the gate's and one the calibration's, so that one is left to learn from


@dataclass
class Life:
    """What has come in so far, who answers, and what became of batches and challengers."""

    folder: Path
    kind: str
    source: src.Source = field(default_factory=src.Source)
    scans: pl.DataFrame = field(default_factory=c.SCANS.polars_schema.to_frame)
    keyed: pl.DataFrame = field(default_factory=c.KEYED.polars_schema.to_frame)
    champion: watch.Champion | None = None
    alarms: list[tuple[Alarm, ...]] = field(default_factory=list)
    trained_in: int = 0
    was_refused: bool = False
    versions: int = 0
    blocked: int = 0
    quarantined: int = 0
    promoted: list[int] = field(default_factory=list)
    refused: list[int] = field(default_factory=list)

    @property
    def features(self) -> pl.DataFrame:
        """Of all scans accepted so far."""
        return build_features(self.scans)

    def outcome(self) -> str:
        """What came of it, in one line."""
        return (
            f"outcome: {self.scans.height} scans accepted, {self.quarantined} rows quarantined, {self.blocked} batch "
            f"blocked, versions {self.promoted} promoted, {self.refused} refused"
        )


def live(life: Life) -> Iterator[str]:
    """Live through the twelve weeks."""
    checks = door.open_door(life.folder / "checks")
    share = float((life.source.keyed[c.DIGIT].to_numpy() >= c.FIRST_DIGIT_EAST).mean())
    yield (
        f"{life.source.scans.height} scans in {src.WEEKS} weeks, {src.ROWS_A_DAY} a day; {share:.0%} go east. "
        "The general parts say flight for a scan and late for east."
    )
    for week in map(src.Week, range(1, src.WEEKS + 1)):
        for feed in c.FEEDS:
            yield from _land(life, checks, feed, week)
            if life.champion and week.number > life.champion.since.number:
                yield from _watch(life, life.champion, week, is_labelled=feed is c.KEYED)
        if life.champion is None and week.number >= FIRST_TRAINING:
            yield from _train(life, week, LOGISTIC)
    yield from _explain(life)


def _land(life: Life, checks: door.Validator, feed: c.Feed, week: src.Week) -> Iterator[str]:
    """What a feed delivers, accepted or not; what was spoilt on the way is delivered again."""
    batch = life.source.deliver(feed, week)
    if feed is c.SCANS and week.number == OTHER_UNITS_IN:
        try:
            door.judge(checks, feed, src.in_other_units(batch), week, life.scans)
        except BatchBlocked as refusal:
            life.blocked += 1
            yield f"week {week.number}, blocked: {refusal}; delivered again in the units of the contract"
    if feed is c.SCANS and week.number == BAD_ROWS_IN:
        batch = src.with_bad_rows(batch)
    verdict = door.judge(checks, feed, batch, week, life.scans)
    life.quarantined += verdict.quarantined.height
    for row in verdict.quarantined.iter_rows(named=True):
        yield f"week {week.number}, quarantined {row[c.SCAN_ID]}: {row['broken_rules']}"
    if feed is c.SCANS:
        life.scans = pl.concat([life.scans, verdict.accepted])
    else:
        life.keyed = pl.concat([life.keyed, verdict.accepted])


def _watch(life: Life, champion: watch.Champion, week: src.Week, is_labelled: bool) -> Iterator[str]:
    """Monday without labels, Wednesday with them: what is seen, what is decided, and the training that follows."""
    moment = week.labelled if is_labelled else week.end
    seen = watch.look(champion, week, life.features, known_labels(life.keyed, moment))
    decision = watch.decide(champion, seen, life.alarms, week.number - life.trained_in, life.was_refused)
    what = f"{len(seen.drift.drifted)} of {len(FEATURES)} features drifted"
    if seen.quality:
        what = f"log loss {seen.quality.log_loss:.3f}, AUC {seen.quality.roc_auc:.3f}"
    day = "Wednesday" if is_labelled else "Monday"
    yield f"week {week.number}, {day}: {what}; {decision.action}: {decision.reason}"
    if is_labelled:
        life.alarms.append(seen.alarms)
    if decision.action == RETRAIN:
        yield from _train(life, week, life.kind)
        if life.champion is not champion:
            yield from _train(life, week, life.kind, weeks=HURRIED_WEEKS)


def _train(life: Life, week: src.Week, kind: str, weeks: int | None = None) -> Iterator[str]:
    """A challenger on all that is known, or on so many weeks alone, before the gate; champion if that says yes."""
    labels = known_labels(life.keyed, week.labelled)
    labelled = life.features.join(labels, on=c.SCAN_ID, maintain_order="left")
    first = src.Week(1 if weeks is None else week.number + 1 - weeks)
    life.versions += 1
    version, slices = life.versions, slice_time(PROTOCOL, first.start, week.end)
    parameters = ModelParameters(kind=kind, trees=40, threads=1)
    model = train(version, labelled, slices, parameters, life.folder / "models")
    champion = life.champion.model if life.champion else None
    record = gate.judge(model, champion, labelled)
    yield (
        f"version {version}, {kind} from {model.learned} scans, calibration {model.calibration}: "
        f"artefact and estimator {model.parity.value:.0e} apart on {model.parity.rows} rows"
    )
    try:
        require_yes(record, version, model.bundle.sha256, champion.version if champion else None)
    except PromotionRefused as refusal:
        life.refused.append(version)
        if weeks is None:
            life.trained_in, life.was_refused = week.number, True
        yield str(refusal)
        return
    life.promoted.append(version)
    life.champion = watch.crown(model, week, _skill(model, labelled), life.features)
    life.alarms, life.trained_in, life.was_refused = [], week.number, False
    yield f"version {version} is champion: {record['reason']}"


def _skill(model: Model, labelled: pl.DataFrame) -> float:
    judged = watch.scanned(labelled, model.slices.gate, model.slices.end)
    return measure_quality(model.probability(judged), judged[IS_EAST].to_numpy()).skill


def _explain(life: Life) -> Iterator[str]:
    """Why the last scan goes where it goes: reasons that add up to the score, as the scorer gives them."""
    if life.champion is None:
        return
    row = life.features[-1:]
    scorer = life.champion.model.scorer
    said = scorer.explain(ENCODING.encode(row))
    (values,) = row.select(ENCODING.names).rows()
    reasons = give_reasons(
        values,
        said.contributions[0],
        said.bias,
        log_odds=float(said.log_odds[0]),
        probability=float(said.probability[0]),
        calibration=CalibrationMap.from_dict(scorer.manifest["calibration"]),
        catalog=FEATURES,
    )
    words = "; ".join(reason.words for reason in reasons.codes(3))
    yield f"{row[c.SCAN_ID].item()} goes east with {reasons.probability:.0%}, because of {words}"
