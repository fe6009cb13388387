"""One worker process: what it answers with, its hand on the log, and the loop that follows the pointers."""

import asyncio
import contextlib
import gc
import logging

import numpy as np
from pydantic import SecretStr

from infra.bundle import MODEL_NAME
from infra.forgotten import Forgotten
from infra.pseudonyms import Pseudonyms
from infra.segments import LogUnwritable
from infra.settings import Settings
from infra.shared_log import Limits, LogBehind
from infra.storage import Store
from pipelines.asked import PLAN_ONLY, STALE
from pipelines.feature_catalog import NAMES
from services import metrics
from services.answering import Answering
from services.current import Follower
from services.hot import MODEL, Served
from services.messages import ModelCard
from services.model import LEAVING, SAME, probe_rows
from services.prediction_log import open_log
from services.question import PARSERS
from services.scraping import scrape

POLL_SECONDS, TROUBLED_SECONDS = 0.2, 5
GARBAGE = (50_000, 20, 1000)
"""Thresholds of the collector: at its defaults a collection of everything stops the world for 160 ms at times."""

logger = logging.getLogger(__name__)


class Worker:
    """Everything of one process that answers."""

    def __init__(self, settings: Settings) -> None:
        self._store, self._settings = Store(settings.home), settings
        forgotten = Forgotten(settings.home, settings.pseudonym_key)
        self._follower = Follower(self._store, lambda: forgotten.keys)
        self._limits = Limits(
            settings.log_segment_mb * 10**6, settings.log_backlog_mb * 10**6, settings.remembered_requests
        )
        self._log = open_log(settings.home, self._limits)
        self._pseudonyms = Pseudonyms(settings.home, settings.pseudonym_key)
        self.answering = Answering(lambda: self._follower.current, self._log, self._pseudonyms)
        metrics.start_at_zero((*PARSERS, MODEL), (STALE, PLAN_ONLY), (LogUnwritable.__name__, LogBehind.__name__))
        self._is_leaving = False
        self._following: asyncio.Task | None = None

    def served(self) -> Served:
        """What the hot routes answer with."""
        return Served(
            answering=self.answering,
            card=lambda: self.card().model_dump_json().encode(),
            digest=self._pseudonyms.digest,
            most_in_flight=self._settings.max_in_flight,
            is_leaving=lambda: self._is_leaving,
            api_key=_bytes(self._settings.api_key),
        )

    def start(self) -> None:
        """Begin to follow; what is loaded so far is never garbage, so the collector need not look at it."""
        gc.collect()
        gc.freeze()
        gc.set_threshold(*GARBAGE)
        self._following = asyncio.get_running_loop().create_task(self._follow())

    async def stop(self) -> None:
        """End the loop and let go of the log."""
        if self._following is not None:
            self._following.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await self._following
        self._log.close()

    def is_ready(self) -> bool:
        """Whether the model answers its probe, and callers may come."""
        champion = self._follower.current.champion
        said = champion.scorer.probability(probe_rows(len(NAMES))[:1])
        return not self._is_leaving and np.allclose(said, champion.served.probe[:1] or said, rtol=0, atol=SAME)

    def scrape(self) -> bytes:
        """What /metrics shows."""
        return scrape(self._store, self.is_ready(), self._limits.backlog_bytes)

    def card(self) -> ModelCard:
        """Which model answers, for which departures, by what right."""
        current = self._follower.current
        champion, features, plan = current.champion, current.features, current.plan
        return ModelCard(
            model_name=MODEL_NAME,
            model_version=champion.version,
            alias="champion",
            model_sha256=champion.served.sha256,
            gate=champion.record and _verdict(champion.record),
            decision_threshold=champion.threshold,
            departures_from=features.start,
            departures_before=features.last,
            known_until=features.end,
            features=list(NAMES),
            loaded=current.roles,
            rollout={"mode": plan.mode, "challenger": plan.challenger, "share": plan.share},
            refused=current.refused,
        )

    async def _follow(self) -> None:
        while True:
            await asyncio.sleep(POLL_SECONDS)
            try:
                self._is_leaving = self._store.mark(LEAVING) is not None
                if self._follower.has_changed():
                    await asyncio.to_thread(self._follower.load)
            except Exception:  # what answers goes on answering
                logger.exception("the pointers could not be followed")
                await asyncio.sleep(TROUBLED_SECONDS)


def _bytes(secret: SecretStr | None) -> bytes | None:
    return None if secret is None else secret.get_secret_value().encode()


def _verdict(record: dict) -> dict:
    """What a gate record says, without its evidence."""
    checks = record.get("checks", [])
    return {
        "kind": record.get("kind"),
        "promote": record["promote"],
        "reason": record["reason"],
        "against": record.get("champion"),
        "checks_passed": sum(check["passed"] for check in checks),
        "checks_failed": [check["name"] for check in checks if not check["passed"]],
        "sha256": record.get("sha256"),
    }
