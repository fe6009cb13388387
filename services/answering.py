"""From a request to an answer: who answers, with which features and reasons, on record before it is given."""

import logging
import time
from collections.abc import Callable
from dataclasses import dataclass
from functools import lru_cache

import numpy as np
import orjson

from infra.pseudonyms import Pseudonyms
from infra.segments import LogUnwritable
from infra.shared_log import LogBehind, SharedLog
from pipelines.asked import FRESH
from pipelines.feature_catalog import CATEGORICAL, CATEGORIES, FEATURES, NAMES
from pipelines.reasons import fold_calibration, tell_reason
from services import metrics
from services.current import Current, Loaded
from services.online import FeatureRows
from services.prediction_log import Given, answer_of, is_same_request, make_line
from services.problems import refuse
from services.question import EXPLAIN, PREDICT, PREDICT_BATCH, read_question
from services.routing import CHALLENGER, CHAMPION, PINNED, arm_of

MOST_REASONS = 3
LOG_RETRY_SECONDS = 5

logger = logging.getLogger(__name__)


@dataclass(frozen=True)
class Asked:
    """A request beside its flights: its id, a keyed hash of all of it, and the version it wants, if any.

    `may_be_again`: the id is the caller's, so that it may have been answered already.
    """

    request_id: str
    body: str
    version: int | None = None
    may_be_again: bool = False


@dataclass(frozen=True)
class Chosen:
    """Who answers and why; `beside` is scored too, and only logged."""

    answers: Loaded
    role: str
    beside: Loaded | None


class Answering:
    """Answers requests of one process from what is current, and keeps the record of each."""

    def __init__(self, current: Callable[[], Current], log: SharedLog, pseudonyms: Pseudonyms) -> None:
        self._current, self._log, self._pseudonyms = current, log, pseudonyms
        self._log_trouble: str | None = None

    def answer(self, kind: str, body: bytes, asked: Asked, started: float) -> tuple[bytes, int | None]:
        """The answer as JSON, and the version that gave it, None when it was given before and is repeated.

        `started` is when the request came, by `time.perf_counter`. Raises Refused.
        """
        known = self._on_record(self._log.find, asked) if asked.may_be_again else None
        if known is not None:
            return self._again(known, asked), None
        current = self._current()
        question = read_question(kind, body, current, self._pseudonyms)
        rows = question.rows
        chosen = _choose(current, rows.flight_ids[0], asked.version)
        answer, failed = _answer_or_fall_back(kind, chosen, rows, asked, current)
        shadow = None
        if chosen.beside is not None and failed is None:
            shadow, failed = _score_beside(chosen.beside, rows)
        said = orjson.dumps(answer)
        given = Given(
            kind=kind,
            body=asked.body,
            version=answer["model_version"],
            role=answer["role"],
            week=current.features.week,
            latency_ms=(time.perf_counter() - started) * 1000,
            shadow=shadow,
            failed=failed,
        )
        line = make_line(asked.request_id, given, question.records, rows, said)
        known = self._on_record(self._log.append, asked, line)
        if known is not None:  # another worker was faster with the same id
            return self._again(known, asked), None
        _count(given, rows)
        return said, given.version

    def _on_record(self, do: Callable[..., bytes | None], asked: Asked, *line: bytes) -> bytes | None:
        """What the log says to a request's id. Raises Refused when there is none to be had."""
        try:
            known = do(asked.request_id.encode(), *line)
        except (LogUnwritable, LogBehind) as error:
            if str(error) != self._log_trouble:  # told once, and not with every request
                logger.error("no answer is given: %s", error)
            self._log_trouble = str(error)
            metrics.NOT_LOGGED.labels(type(error).__name__).inc()
            code = "log_unwritable" if isinstance(error, LogUnwritable) else "log_behind"
            problem = "the answer could not be put on record, and without that none is given"
            remedy = "ask again later; whoever runs the service finds the reason in its log"
            raise refuse(503, code, problem, remedy, retry=LOG_RETRY_SECONDS) from error
        if line:
            self._log_trouble = None
        return known

    def _again(self, line: bytes, asked: Asked) -> bytes:
        if not is_same_request(line, asked.body):
            raise refuse(
                409, "request_id_used", f"the id {asked.request_id} was used for another request",
                "send each request with an id of its own", "X-Request-Id",
            )  # fmt: skip
        metrics.REPLAYED.inc()
        return answer_of(line)


def _choose(current: Current, key: str, version: int | None) -> Chosen:
    if version is not None:
        pinned = current.by_version.get(version)
        if pinned is None:
            raise refuse(
                404, "version_not_loaded", f"version {version} is not loaded",
                f"ask for one of {', '.join(map(str, sorted(current.by_version)))}", "X-Model-Version",
            )  # fmt: skip
        return Chosen(pinned, PINNED, None)
    challenger = current.challenger
    if challenger is None:
        return Chosen(current.champion, CHAMPION, None)
    if arm_of(key, current.plan) == CHALLENGER:
        return Chosen(challenger, CHALLENGER, current.champion)
    return Chosen(current.champion, CHAMPION, challenger)


def _answer_or_fall_back(
    kind: str, chosen: Chosen, rows: FeatureRows, asked: Asked, current: Current
) -> tuple[dict, dict | None]:
    """The answer; when a model that is on trial fails, the champion gives it, and the failure is put on record."""
    try:
        return _FORMS[kind](chosen.answers, chosen.role, rows, asked), None
    except Exception as error:
        if chosen.role != CHALLENGER:
            raise
        return _FORMS[kind](current.champion, CHAMPION, rows, asked), _failure(chosen.answers, error)


def _score_beside(model: Loaded, rows: FeatureRows) -> tuple[dict | None, dict | None]:
    """What a second model says of the same rows, or how it failed, which is its own affair."""
    try:
        return {"version": model.version, "probability": model.scorer.probability(rows.encoded).tolist()}, None
    except Exception as error:
        return None, _failure(model, error)


def _failure(model: Loaded, error: Exception) -> dict:
    metrics.FAILED.labels(model.version).inc()
    return {"version": model.version, "why": f"{type(error).__name__}: {error}"[:200]}


def _predicted(model: Loaded, role: str, rows: FeatureRows, asked: Asked) -> dict:
    found = model.scorer.explain(rows.encoded)
    _, added, _ = fold_calibration(model.calibration, found.bias, found.contributions[0])
    return {
        **_head(model, role, rows, asked),
        **_flight(model, rows, 0, found.probability.item()),
        "reasons": _reasons(rows.encoded[0], added, MOST_REASONS),
    }


def _batch(model: Loaded, role: str, rows: FeatureRows, asked: Asked) -> dict:
    said, threshold = model.scorer.probability(rows.encoded).tolist(), model.threshold
    predictions = [
        {"flight_id": name, "as_of": as_of, "probability_late": probability, "is_late": probability >= threshold}
        for name, as_of, probability in zip(rows.flight_ids, rows.as_of, said, strict=True)
    ]
    return {**_head(model, role, rows, asked), "predictions": predictions}


def _explained(model: Loaded, role: str, rows: FeatureRows, asked: Asked) -> dict:
    found = model.scorer.explain(rows.encoded)
    bias, added, _ = fold_calibration(model.calibration, found.bias, found.contributions[0])
    return {
        **_head(model, role, rows, asked),
        **_flight(model, rows, 0, found.probability.item()),
        "bias": float(bias),
        "log_odds": float(bias + added.sum()),
        "calibration": model.calibration.kind,
        "reasons": _reasons(rows.encoded[0], added, len(NAMES)),
    }


_FORMS = {PREDICT: _predicted, PREDICT_BATCH: _batch, EXPLAIN: _explained}


def _head(model: Loaded, role: str, rows: FeatureRows, asked: Asked) -> dict:
    return {
        "request_id": asked.request_id,
        "model_version": model.version,
        "role": role,
        "decision_threshold": model.threshold,
        "features": {
            "mode": rows.mode,
            "known_until": rows.known_until,
            "behind_minutes": rows.behind_minutes,
        },
    }


def _flight(model: Loaded, rows: FeatureRows, place: int, probability: float) -> dict:
    return {
        "flight_id": rows.flight_ids[place],
        "as_of": rows.as_of[place],
        "probability_late": probability,
        "is_late": probability >= model.threshold,
    }


def _reasons(values: np.ndarray, contributions: np.ndarray, most: int) -> list[dict]:
    strongest = np.abs(contributions).argsort()[::-1][:most].tolist()
    return [_reason(place, values.item(place), contributions.item(place)) for place in strongest]


def _reason(place: int, value: float, contribution: float) -> dict:
    said, words = _told(place, None if value != value else value)
    feature = FEATURES[place]
    return {
        "feature": feature.name,
        "group": feature.group,
        "value": said,
        "contribution": contribution,
        "words": words,
    }


@lru_cache(maxsize=65_536)
def _told(place: int, value: float | None) -> tuple[str | float | None, str]:
    """A feature's value and what is so about the flight; many flights share theirs."""
    feature = FEATURES[place]
    said = CATEGORIES[feature.name][int(value)] if feature.name in CATEGORICAL and value is not None else value
    return said, tell_reason(feature, said)


def _count(given: Given, rows: FeatureRows) -> None:
    metrics.of(metrics.PREDICTIONS, given.version, given.role).inc(len(rows.flight_ids))
    if rows.mode != FRESH:
        metrics.DEGRADED.labels(rows.mode).inc()
    if given.shadow is not None:
        metrics.SHADOWED.labels(given.shadow["version"]).inc(len(rows.flight_ids))
