"""Which model answers a request during a rollout: a plan, and a hash that keeps its word. On the request path."""

from dataclasses import dataclass
from hashlib import blake2b

from infra.errors import PreflightError

NONE, SHADOW, CANARY, AB = "none", "shadow", "canary", "ab"
MODES = (NONE, SHADOW, CANARY, AB)
CHAMPION, CHALLENGER, PINNED = "champion", "challenger", "pinned"

_HASHES = 2**64
_LONGEST_SALT = 64


class PlanError(PreflightError, ValueError):
    """A rollout was planned that cannot be carried out."""


@dataclass(frozen=True, slots=True)
class Plan:
    """How requests are shared out between the champion and a challenger; the default is that all are the champion's.

    `share`, 0 to 1, is what the challenger answers of a canary or an A/B; a shadow answers nobody. Two plans with
    different `salt` share out independently of each other. Raises PlanError for a plan that contradicts itself.
    """

    mode: str = NONE
    challenger: int | None = None
    share: float = 0.0
    salt: str = "preflight"

    def __post_init__(self) -> None:
        if problem := self._problem():
            raise PlanError(problem)

    @property
    def divides(self) -> bool:
        """Whether some requests may be answered by the challenger."""
        return self.mode in (CANARY, AB)

    def _problem(self) -> str | None:
        if self.mode not in MODES:
            return f"expected a mode of {', '.join(MODES)}, got {self.mode!r}; choose one of them"
        if (self.mode == NONE) != (self.challenger is None):
            return f"expected a challenger exactly when there is a rollout, got {self.challenger} for {self.mode}"
        if not 0 <= self.share <= 1:
            return f"expected a share from 0 to 1, got {self.share}; 0.05 are five requests of a hundred"
        if self.share and not self.divides:
            return f"expected no share of requests for {self.mode}, got {self.share}; only canary and ab divide them"
        if not 0 < len(self.salt.encode()) <= _LONGEST_SALT:
            return f"expected a salt of 1 to {_LONGEST_SALT} bytes, got {len(self.salt.encode())}"
        return None


def arm_of(key: str, plan: Plan) -> str:
    """Who answers requests of this key: the same arm in every worker and every process, for as long as the plan holds.

    The key is the flight's id, so that a flight asked again is answered by the same model. A larger share only moves
    keys from the champion to the challenger. Not CRC-32, which is three times as fast: it is linear, so that with
    salts of one length two rollouts would divide the flights along the same line.
    """
    digest = blake2b(key.encode(), digest_size=8, key=plan.salt.encode()).digest()
    return CHALLENGER if int.from_bytes(digest, "big") < plan.share * _HASHES else CHAMPION
