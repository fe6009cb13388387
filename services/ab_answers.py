"""The answers of an A/B, or of a shadow, out of lines of the prediction log: tables that `monitoring.ab` judges.

Not on the request path: what judges by labels imports SciPy.
"""

from collections.abc import Iterable

import polars as pl

from data_checks import schema as s
from monitoring.ab import CHALLENGER_PROBABILITY, DAY, IS_CHALLENGER, KEY, PROBABILITY
from services.rollout_figures import answers_of, pairs_of
from services.routing import CHALLENGER, PINNED, Plan, arm_of

_DAY = pl.col(s.FLIGHT_ID).str.head(10).str.to_date().alias(DAY)


def ab_answers(records: Iterable[dict], plan: Plan, champion: int) -> pl.DataFrame:
    """A row per flight answered, for `monitoring.ab.compare_arms`: its key, arm, day and the probability that was said.

    A request is of the arm it was sent to: one that the challenger failed is the challenger's, whoever answered it,
    or the requests that it fails would flatter it. Answers of other versions and pinned ones are left out.
    """
    rows = []
    for record in records:
        if record["role"] == PINNED or record["version"] not in (champion, plan.challenger):
            continue
        answers = answers_of(record)
        key = answers[0]["flight_id"]
        theirs = record["version"] == plan.challenger or _stood_in(record, key, plan)
        rows += [(key, one["flight_id"], theirs, one["probability_late"]) for one in answers]
    schema = {KEY: pl.String, s.FLIGHT_ID: pl.String, IS_CHALLENGER: pl.Boolean, PROBABILITY: pl.Float64}
    return pl.DataFrame(rows, schema=schema, orient="row").with_columns(_DAY)


def shadow_answers(records: Iterable[dict], champion: int, challenger: int) -> pl.DataFrame:
    """A row per flight that both versions scored, whoever answered, for `monitoring.ab.compare_pairs`."""
    rows = [pair for record in records if record["role"] != PINNED for pair in pairs_of(record, champion, challenger)]
    schema = {s.FLIGHT_ID: pl.String, PROBABILITY: pl.Float64, CHALLENGER_PROBABILITY: pl.Float64}
    return pl.DataFrame(rows, schema=schema, orient="row").with_columns(_DAY)


def _stood_in(record: dict, key: str, plan: Plan) -> bool:
    """Whether the champion answered a request of the challenger's; one whose shadow failed is the champion's own."""
    failed = record["failed"]
    return bool(failed) and failed["version"] == plan.challenger and arm_of(key, plan) == CHALLENGER
