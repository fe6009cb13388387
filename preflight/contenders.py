"""`contenders`: which model wins month by month, what treating class imbalance does; tables and a page."""

import tempfile
from collections.abc import Callable
from dataclasses import asdict, dataclass
from datetime import date
from pathlib import Path

import polars as pl

from infra.settings import Settings
from infra.storage import write_atomically
from monitoring.decision_cost import CostTable
from monitoring.figures import markdown_table
from pipelines.contenders import SIMPLEST_FIRST
from pipelines.contest import Result, Served, conclude, enter, rank, serve
from pipelines.context import Context, open_context
from pipelines.estimators import ModelParameters, plain_parameters
from pipelines.imbalance import TREATMENTS, Treated, conclude_treatments, mean_of, treat_month
from pipelines.worth import NothingToScore, month_rows, month_starts, with_labels
from preflight import show
from preflight.year_features import year_features

CONTENDER_COLUMNS = {
    "contender": "left",
    "AUC": "right",
    "log loss": "right",
    "loses to the best": "right",
    "Brier": "right",
    "ECE": "right",
    "fit s": "right",
    "µs": "right",
    "ONNX": "right",
    "reasons": "right",
}
TREATMENT_COLUMNS = {
    "treatment": "left",
    "Platt": "left",
    "AUC": "right",
    "log loss": "right",
    "ECE": "right",
    "says": "right",
    "late": "right",
    "cost at 0.5": "right",
    "at optimum": "right",
    "at best": "right",
}
Table = dict[tuple[str, bool], list[Treated]]


@dataclass(frozen=True)
class Contest:
    """Everything that was measured; `treatments` is empty when they were not asked for."""

    months: list[date]
    parameters: ModelParameters
    costs: CostTable
    results: tuple[Result, ...]
    served: dict[str, Served | None]
    treatments: Table

    def rows(self) -> list[tuple[str, ...]]:
        """The table of contenders, the simplest first."""
        return [_contender_row(result, self.served[result.name]) for result in self.results]

    def treatment_rows(self) -> list[tuple[str, ...]]:
        """The table of treatments."""
        return [_treatment_row(key, treated) for key, treated in self.treatments.items()]


def contenders(settings: Settings, treatments: bool, trees: int | None, page: Path | None, as_json: bool) -> None:
    """Fit every contender on the first of each month; print the tables, and write them to `page` if there is one."""
    contest = _compete(open_context(settings), trees or settings.trees, treatments)
    if page:
        write_atomically(page, _page(contest, page).encode())
    if not as_json:
        show.table("Fitted on the first of each month, means over the months", CONTENDER_COLUMNS, contest.rows())
        if treatments:
            show.table("Class imbalance treated, means over the months", TREATMENT_COLUMNS, contest.treatment_rows())
            show.tell(conclude_treatments(contest.treatments))
    show.finish(conclude(contest.results, contest.served), _document(contest), as_json)


def _compete(context: Context, trees: int, treatments: bool) -> Contest:
    settings = context.settings
    months = month_starts(settings.first_scored_week, settings.last_day)
    if not months:
        raise NothingToScore(
            f"expected a month that begins from {settings.first_scored_week} to {settings.last_day}, got none; "
            "choose an earlier PREFLIGHT_FIRST_SCORED_WEEK"
        )
    parameters = plain_parameters(settings, trees)
    costs = CostTable(settings.cost_missed_late, settings.cost_false_alarm)
    ways = TREATMENTS if treatments else ()
    fits = len(months) * len(SIMPLEST_FIRST) + len(SIMPLEST_FIRST) + len(months) * len(ways)
    with show.progress(len(context.all_weeks()) + fits, "weeks and fits") as advance:
        labelled = _labelled(context, advance)
        entries = {name: [] for name in SIMPLEST_FIRST}
        table: Table = {(way, is_again): [] for way in ways for is_again in (False, True)}
        for month in months:
            rows = month_rows(labelled, month)
            for name in SIMPLEST_FIRST:
                entries[name].append(enter(name, rows, parameters))
                advance(f"{month:%B} {name}")
            for way in ways:
                for treated in treat_month(way, rows, parameters, costs, settings.calibration_days):
                    table[way, treated.is_recalibrated].append(treated)
                advance(f"{month:%B} {way}")
        served = {}
        for name in SIMPLEST_FIRST:
            served[name] = serve(name, rows, parameters)
            advance(f"{name} as an artefact")
    return Contest(months, parameters, costs, rank(entries, settings.seed), served, table)


def _labelled(context: Context, advance: Callable[[str], None]) -> pl.DataFrame:
    with tempfile.TemporaryDirectory(prefix="preflight-contenders-") as scratch:
        return with_labels(year_features(context, Path(scratch), advance), context.year().outcomes)


def _contender_row(result: Result, served: Served | None) -> tuple[str, ...]:
    loses = result.loses
    artefact = (
        (f"{served.microseconds:.0f}", f"{served.parity:.0e}", f"{served.unexplained:.0e}") if served else ("-",) * 3
    )
    return (
        result.name,
        f"{result.mean('roc_auc'):.4f}",
        f"{result.mean('log_loss'):.4f}",
        f"{loses.mean:+.4f} [{loses.lower:+.4f}, {loses.upper:+.4f}]",
        f"{result.mean('brier'):.4f}",
        f"{result.mean('ece'):.4f}",
        f"{result.mean('fit_seconds'):.1f}",
        *artefact,
    )


def _treatment_row(key: tuple[str, bool], treated: list[Treated]) -> tuple[str, ...]:
    return (
        key[0],
        "yes" if key[1] else "no",
        *(f"{mean_of(treated, name):.4f}" for name in ("roc_auc", "log_loss", "ece")),
        *(f"{mean_of(treated, name):.1%}" for name in ("mean_probability", "late_share")),
        *(f"{mean_of(treated, f'cost_at_{at}'):.0f}" for at in ("half", "optimum", "best")),
    )


def _document(contest: Contest) -> dict:
    contenders = {
        result.name: {
            **{name: result.mean(name) for name in ("roc_auc", "log_loss", "brier", "ece", "fit_seconds")},
            "loses": asdict(result.loses),
            "served": asdict(contest.served[result.name]) if contest.served[result.name] else None,
            "months": {f"{entry.month.start:%Y-%m}": asdict(entry.month.quality) for entry in result.entries},
        }
        for result in contest.results
    }
    treatments = [
        {"treatment": key[0], "recalibrated": key[1], "months": [asdict(one) for one in treated]}
        for key, treated in contest.treatments.items()
    ]
    return {"parameters": contest.parameters.as_dict(), "contenders": contenders, "treatments": treatments}


def _page(contest: Contest, page: Path) -> str:
    asked = " --treatments" if contest.treatments else ""
    head = [
        "# Contenders",
        "",
        f"Made by `preflight contenders{asked} --write {page}` with {contest.parameters.size}; run it again to "
        "refresh. Do not edit.",
        "",
        conclude(contest.results, contest.served),
        "",
        "On the first of each month every contender is fitted on every flight whose label is known by then, with",
        "plain parameters and one seed, and scores the month. No contender was chosen or tuned on these months; the",
        "table is a look back, and what a training chooses it chooses on its own folds. Intervals hold 95 % of 4,000",
        "rounds in which the days of each month were drawn again, the same days for both. Fit seconds are a mean over",
        "the months on the machine this was made on; µs is one flight answered by the artefact. ONNX is the largest",
        "difference of probability between artefact and estimator on hard rows: under 1e-6 it is the same model",
        "without pickle. Reasons is how far the contributions of the features are from adding up to the score, in",
        "log-odds.",
        "",
        *markdown_table(list(CONTENDER_COLUMNS), contest.rows()),
        "",
        "Log loss month by month:",
        "",
        *_by_month(contest),
        "",
    ]
    return "\n".join(head + (_treatment_section(contest) if contest.treatments else []))


def _by_month(contest: Contest) -> list[str]:
    columns = ["month", *(result.name for result in contest.results)]
    rows = [
        (f"{month:%B}", *(f"{result.entries[number].month.quality.log_loss:.4f}" for result in contest.results))
        for number, month in enumerate(contest.months)
    ]
    return markdown_table(columns, rows)


def _treatment_section(contest: Contest) -> list[str]:
    costs = contest.costs
    return [
        "## Class imbalance",
        "",
        "The same months, gradient boosting alone, fitted on the days before the calibration slice, which is the",
        "newest days known; Platt's map is fitted on that slice. Weights and both ways of drawing make the classes",
        "50:50. SMOTE is not among them: it draws lines between rows, which missing values and codes do not allow.",
        f"Costs are per 1000 flights, {costs.false_alarm:g} for a false alarm and {costs.missed_late:g} for a late",
        f"flight nobody was warned of: at a threshold of 0.5, at {costs.threshold:g}, where a calibrated model is",
        "cheapest, and at the threshold that was cheapest on the calibration slice.",
        "",
        *markdown_table(list(TREATMENT_COLUMNS), contest.treatment_rows()),
        "",
        conclude_treatments(contest.treatments),
        "",
    ]
