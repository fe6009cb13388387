"""How long answers took, in the numbers that people compare: observed values at ranks, never a mean of two."""

from dataclasses import asdict, dataclass

import numpy as np

_SHARES = {"p50_ms": 0.5, "p95_ms": 0.95, "p99_ms": 0.99, "max_ms": 1.0}


@dataclass(frozen=True)
class Latency:
    """So many latencies, and the one that 50, 95, 99 and 100 % of them do not exceed, in milliseconds."""

    count: int
    p50_ms: float
    p95_ms: float
    p99_ms: float
    max_ms: float

    @classmethod
    def of(cls, latencies_ms: np.ndarray) -> "Latency":
        """The latencies of at least one answer, in any order.

        >>> Latency.of(np.arange(1, 201))
        Latency(count=200, p50_ms=100.0, p95_ms=190.0, p99_ms=198.0, max_ms=200.0)
        """
        found = np.quantile(latencies_ms, list(_SHARES.values()), method="inverted_cdf")
        return cls(len(latencies_ms), **{name: float(value) for name, value in zip(_SHARES, found, strict=True)})

    def as_dict(self) -> dict[str, float]:
        """As plain values."""
        return asdict(self)
