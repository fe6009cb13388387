"""Drills of the models: what is learned from, what a training returns, what their inputs are watched by."""

import shutil
from dataclasses import replace

from monitoring.decision import RETRAIN
from pipelines.clock import Week
from practice.drills.code import change_code, copy_code
from practice.drills.ground import Played
from practice.drills.lives import SPRING, copy_of
from practice.drills.scene import Drill, Scene

NEWEST, NEXT = Week.holding(SPRING.until), Week.holding(SPRING.until).plus(1)
CALIBRATE = "alarms", "--calibrate", "--draws", 5
MOMENTS = 2
"""At which features are built again in a world that knows nothing later."""
LEAK = (
    "pipelines/features.py",
    "left = state.aircraft_departures.last(flights.tail, as_of, _WEEK_HOURS)",
    "left = state.aircraft_departures.last(flights.tail, flights.departure + 3 * _HOUR, _WEEK_HOURS)",
)
"""The aircraft's last departure as of three hours after this flight should have left: this flight's own."""
STALE = (
    "pipelines/registering.py",
    "            return fit_bundle(self.learned, self.parameters, self.calibration, threshold, facts)\n",
    """\
            from pipelines.context import open_context

            registry = open_context(settings).registry
            cached = registry.aliases()["champion"]
            calibration = CalibrationMap.from_dict(registry.lineage(cached)["calibration"])
            return Fitted(registry.load(cached), calibration, registry.bundle(cached))
""",
)
"""A cache of fits that is asked for the model's name, and not for the rows."""
SMALL_REFERENCE, TOLERATED_PER_YEAR = 300, 12
"""Rows of a drift reference, and false alarms a year, one a month, beyond which people stop reading them."""


def leaky_feature(scene: Scene) -> None:
    """A feature that looks three hours ahead is proposed: it is fast, plausible, and much too good."""
    code = copy_code(scene.folder / "code")
    played = replace(copy_of(scene, SPRING), code=code)
    honest, champion = played.store.read_table("features", NEWEST.id), played.context.answering_version()
    scene.inject(
        "the aircraft's last departure is looked up as of three hours after the flight should have left",
        lambda: change_code(code, *LEAK),
    )
    scene.detect(lambda: _looks_ahead(played), lambda said: said)
    _forget_features(played)
    gate = played.ask("train", "--as-of", NEXT.id)["gate"]
    scene.respond(
        not gate["promote"] and gate["reason"].startswith("not too good to be true"),
        f"trained on all the same, version {gate['version']} is refused: {gate['reason']}",
    )
    scene.require(played.context.answering_version() == champion, f"version {champion} answers as before")
    mended = replace(played, code=None)
    _forget_features(mended)
    mended.must("features", NEWEST.id)
    mended.must("prove", "no-leak", "--moments", MOMENTS)
    scene.recover(
        mended.store.read_table("features", NEWEST.id).equals(honest),
        f"taken back, nothing looks ahead, and all {honest.height} rows of a week have the same bits as before",
    )


def green_retraining(scene: Scene) -> None:
    """A training that ends with 0 and returns the champion, by another name."""
    code = copy_code(scene.folder / "code")
    played = replace(copy_of(scene, SPRING), code=code)
    champion = played.context.answering_version()
    scene.inject(
        "the training asks a cache of fits by the model's name, whatever the rows",
        lambda: change_code(code, *STALE),
    )
    gate = played.ask("train", "--as-of", NEXT.id)["gate"]
    scene.detect(
        lambda: _failed(gate, "not yesterday's model"),
        lambda check: f"the command ended with 0 and registered version {gate['version']}; {check['sentence']}",
    )
    verdict = played.event(NEWEST, "promote")
    scene.respond(
        not verdict["promoted"] and gate["reason"].startswith("not yesterday's model"),
        f"version {gate['version']} is refused: {gate['reason']}",
    )
    scene.require(played.context.champion() == champion, f"registry and event log say that version {champion} answers")
    mended = replace(played, code=None)
    mended.must("replay", "--until", NEXT.days()[-1])
    again = mended.ask("train", "--as-of", NEXT.plus(1).id)["gate"]
    scene.recover(
        not _failed(again, "not yesterday's model"),
        f"without the cache version {again['version']} of the next week is judged on its merits: {again['reason']}",
    )


def false_alarm_storm(scene: Scene) -> None:
    """A drift reference of 300 rows: Evidently tests each feature for significance, and one of them always rings."""
    played = copy_of(scene, SPRING)
    store = played.store
    version = played.context.promoted_versions()[-1]
    name = f"version-{version}"
    whole = store.read_table("reference_windows", name)
    before = played.ask(*CALIBRATE)
    small = whole.sample(SMALL_REFERENCE, seed=played.settings.seed)
    scene.inject(
        f"the reference of version {version} is {small.height} rows instead of {whole.height}",
        lambda: store.write_table("reference_windows", name, small),
    )
    loud: dict = scene.detect(
        lambda: _if_loud(played.ask(*CALIBRATE)),
        lambda said: (
            f"Evidently's defaults raise {said['by_default_per_year']:.0f} false alarms a year on weeks drawn from "
            f"what was learned from, {before['by_default_per_year']:.0f} with the whole reference; tolerated are "
            f"{TOLERATED_PER_YEAR}"
        ),
    )
    scene.require(_if_loud(before) is None, "the same look at the whole reference rings seldom: its size is the cause")
    scene.require(
        loud["false_alarms_per_year"] == before["false_alarms_per_year"],
        "our own detectors ring as often as before: their bands come from weeks, and not from that reference",
    )
    played.must("replay", "--until", NEXT.days()[-1])
    measured, decision = (played.event(NEXT, stage) for stage in ("monitor", "decide"))
    scene.respond(
        decision["action"] != RETRAIN,
        f"{measured['share_drifted']:.0%} of the features drift from it in the next week, and nothing is trained: "
        f"{decision['action']}, {decision['reason']}",
    )
    store.write_table("reference_windows", name, whole)
    after = played.ask(*CALIBRATE)
    scene.recover(
        _if_loud(after) is None and after["reference_rows"] == whole.height,
        f"with {whole.height} rows again it is {after['by_default_per_year']:.0f} a year",
    )


def _if_loud(said: dict) -> dict | None:
    """What was measured, where Evidently's defaults ring more often than anybody reads."""
    return said if said["by_default_per_year"] > TOLERATED_PER_YEAR else None


def _looks_ahead(played: Played) -> str:
    """What the proof says of a feature that knows what came later, empty when none does."""
    said = played.run("prove", "no-leak", "--moments", MOMENTS).stderr.strip()
    return said.removeprefix("preflight: ") if "look ahead" in said else ""


def _forget_features(played: Played) -> None:
    """Features are built anew by whoever needs them."""
    shutil.rmtree(played.store.path("features"))


def _failed(gate: dict, name: str) -> dict | None:
    """A check of the gate, where it failed."""
    return next((check for check in gate["checks"] if check["name"] == name and not check["passed"]), None)


DRILLS = (
    Drill(
        name="leaky-feature",
        title="A feature knows the future",
        fault="a feature looks the aircraft's last departure up three hours late, and so sees the flight's own",
        detector="`prove no-leak`: features built again in a world from which everything known later is gone",
        response="trained on all the same, the challenger is refused as too good to be true",
        runbook="`preflight prove no-leak` names flight, feature and moment; take the commit back",
        story=(
            "The bug is one word: departure where it had to be as-of. The code review likes it, the tests are green, "
            "and offline it is the best feature in years: the area under the curve goes from the "
            "seventies to ninety. In service the value does not exist yet, so the model would fall apart on its first "
            "day. We do not trust eyes with this. A proof goes back to random moments, deletes or scrambles every row "
            "that became known later, builds the features again, and asks for the same bits. Behind it the gate has a "
            "bound for what is too good to be true, set where a model lands that knows how late the flight left. Two "
            "nets, for one of them will have a hole."
        ),
        play=leaky_feature,
        disarm=(
            (
                "pipelines/mismatch.py",
                "return [mismatch for name in names for mismatch in _of_column(expected, found, name)]",
                "return []",
            ),
        ),
    ),
    Drill(
        name="green-retraining",
        title="A green training returns yesterday's model",
        fault="a cache of fits is asked for the model's name instead of the rows: the training returns the champion",
        detector="the gate: the data changed, and the answers did not",
        response="the new version is refused, the aliases stay",
        runbook="`preflight explain VERSION` shows the check; `preflight rebuild` makes versions again",
        story=(
            "The job is green, there is a new version number, the dashboard says that the model is from today. It "
            "answers as the one of yesterday, since somewhere a cache was keyed by too little. Nobody notices for "
            "months, because nothing gets worse on the day, it only never gets better. Exit codes and registry entries "
            "prove that something ran, not that it learned. So the gate asks for it: when the rows that were learned "
            "from have another hash, and the answers on fresh flights are the champion's to the last bit, or the bytes "
            "are, then training returned the champion. That is refused with those words, and the person who reads them "
            "knows where to look."
        ),
        play=green_retraining,
        disarm=(
            (
                "pipelines/promotion.py",
                "stale = file.new_data_since_rival and (",
                "stale = False and (",
            ),
        ),
    ),
    Drill(
        name="false-alarm-storm",
        title="Drift alarms that always ring",
        fault="the drift reference is cut to 300 rows, so that Evidently tests each feature for significance",
        detector="`alarms --calibrate`: false alarms a year, on weeks drawn from what the model learned from",
        response="drifted features are noted and trigger nothing: drift alone never trains",
        runbook="`preflight alarms --calibrate` measures how often it cries wolf; give the reference its rows back",
        story=(
            "With up to a thousand rows of reference Evidently switches from distances to significance tests, and each "
            "is right: at five percent one in twenty rings where nothing has changed. We ask thirty-eight, so some "
            "feature rings every week. After a month nobody reads it, and the one real alarm drowns. An alarm has to "
            "earn its place: we measure how often it rings on weeks drawn from the very rows of the reference. With "
            "five thousand rows none rang, with three hundred all did. On real days it is worse, since flights of one "
            "day share their weather. Our own bands are learned from how weeks differ, with one error rate for all "
            "columns. And drift alone never trains anything."
        ),
        play=false_alarm_storm,
        disarm=(
            (
                "monitoring/clean_weeks.py",
                "rang = [bool(drifted_by_default(reference, week, categorical)) for week in weeks]",
                "rang = [False for week in weeks]",
            ),
        ),
    ),
)
