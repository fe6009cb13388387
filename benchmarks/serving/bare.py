"""What the model itself takes in this process, with nothing around it: the other floor."""

import timeit
from collections.abc import Callable
from dataclasses import dataclass
from statistics import median

from threadpoolctl import threadpool_limits

from benchmarks.serving.export import Export
from benchmarks.serving.load import SERVER_CORE, on_core

ROUNDS = 9


@dataclass(frozen=True)
class BareCall:
    """The median microseconds of one call with so many rows."""

    name: str
    rows: int
    us: float

    @property
    def rows_per_second(self) -> float:
        """How many rows such calls answer."""
        return self.rows * 1e6 / self.us


BUNDLE, REASONS, PIPELINE = "ONNX bundle", "ONNX bundle, with reasons", "scikit-learn pipeline"


def measure_bare(export: Export, pipeline: object) -> list[BareCall]:
    """The bundle with and without reasons, and the pipeline it was made from: one row, and a page of them."""
    page = export.flights_per_page
    frame = export.features.to_pandas()
    ways = {
        BUNDLE: (export.scorer.probability, export.encoded, 200),
        REASONS: (export.scorer.explain, export.encoded, 200),
        PIPELINE: (pipeline.predict_proba, frame, 20),
    }
    with on_core(SERVER_CORE), threadpool_limits(1):
        return [
            BareCall(
                name, rows, _microseconds(lambda way=way, some=table[:rows]: way(some), repeat if rows == 1 else 1)
            )
            for name, (way, table, repeat) in ways.items()
            for rows in (1, page)
        ]


def _microseconds(way: Callable[[], object], number: int) -> float:
    way()
    return 1e6 * median(timeit.repeat(way, number=number, repeat=ROUNDS)) / number
