"""Drills of the models: what is learned from, what a training returns, what their inputs are watched by."""

import shutil
from dataclasses import replace

from monitoring.decision import RETRAIN
from pipelines.clock import Week
from pipelines.watching import reference_weeks
from practice.drills.code import change_code, copy_code
from practice.drills.false_alarms import by_bands, by_tests
from practice.drills.ground import Played
from practice.drills.lives import SPRING, copy_of
from practice.drills.scene import Drill, Scene

NEWEST, NEXT = Week.holding(SPRING.until), Week.holding(SPRING.until).plus(1)
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
    """A drift reference of 300 rows, and a test per feature each day: every test is correct, and all together ring."""
    played = copy_of(scene, SPRING)
    context, store = played.context, played.store
    version = context.promoted_versions()[-1]
    name = f"version-{version}"
    whole = store.read_table("reference_windows", name)
    lived = [store.read_table("features", week.id) for week in context.all_weeks() if week <= NEWEST]
    learned = [store.read_table("features", week) for week in reference_weeks(context, version)]
    seed, scorer = played.settings.seed, context.registry.scorer(version)
    monitors = {"bands from history": by_bands(lived, scorer, seed)}

    def cut() -> None:
        small = whole.sample(SMALL_REFERENCE, seed=seed)
        store.write_table("reference_windows", name, small)
        monitors["a test per feature and day"] = by_tests(small, learned)

    scene.inject(
        f"the reference of version {version} is {SMALL_REFERENCE} rows, so that Evidently tests for significance", cut
    )
    loud: dict[str, float] = scene.detect(
        lambda: {one: rate for one, rate in monitors.items() if rate > TOLERATED_PER_YEAR},
        lambda found: "; ".join(
            f"{one}: {rate:.0f} false alarms a year in the very weeks that were learned from, tolerated "
            f"{TOLERATED_PER_YEAR}"
            for one, rate in found.items()
        ),
    )
    quiet = {one: rate for one, rate in monitors.items() if one not in loud}
    scene.require(quiet, f"{'; '.join(f'{one}: {rate:.1f} a year' for one, rate in quiet.items())}")
    played.must("replay", "--until", NEXT.days()[-1])
    measured, decision = (played.event(NEXT, stage) for stage in ("monitor", "decide"))
    scene.respond(
        decision["action"] != RETRAIN,
        f"{measured['share_drifted']:.0%} of the features drift from it in the next week, and nothing is trained: "
        f"{decision['action']}, {decision['reason']}",
    )
    store.write_table("reference_windows", name, whole)
    del monitors["a test per feature and day"]
    scene.recover(
        max(monitors.values()) <= TOLERATED_PER_YEAR and store.read_table("reference_windows", name).equals(whole),
        f"the reference is {whole.height} rows again, the daily tests are gone",
    )


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
        fault="the drift reference is cut to 300 rows, and each feature is tested each day",
        detector="the measured rate of false alarms, on the very weeks that the model learned from",
        response="drifted features are noted and trigger nothing: drift alone never trains",
        runbook="`preflight alarms --calibrate` measures how often each detector cries wolf; remove what rings monthly",
        story=(
            "With a small reference Evidently switches from distances to significance tests, and each of them is "
            "right: flights of one day share their weather, so a day really does differ from a sample of a month. "
            "Thirty-eight tests at five percent each, every day, and something always rings. After a week nobody "
            "reads it, and the one real alarm drowns. An alarm has to earn its place: we measure how often it rings "
            "where nothing has changed, on the weeks that were learned from. Ours are bands learned from how weeks "
            "differ from each other, with one error rate for all columns together and a reference of fixed size. And "
            "drift alone never trains anything; it is context for a loss that labels show."
        ),
        play=false_alarm_storm,
        disarm=(
            (
                "practice/drills/false_alarms.py",
                "rang = [bool(drifted_by_default(reference, day.select(NAMES), CATEGORICAL)) for day in days]",
                "rang = [False for day in days]",
            ),
        ),
    ),
)
