"""A fit that was made before, put together again from its lineage and the rows of the home folder."""

from pipelines.calibration_map import CalibrationMap
from pipelines.clock import Week
from pipelines.context import Context
from pipelines.estimators import ModelParameters
from pipelines.protocol import Slices
from pipelines.registering import Fit
from pipelines.rows import labelled_rows
from pipelines.training import split_by_time


def candidate_fit(context: Context, lineage: dict) -> Fit:
    """The fit of a candidate with this lineage, calibrated as is noted there; not yet made.

    Moments and parameters come from the lineage, never from the settings, which may have changed since.
    """
    slices = Slices.from_text(lineage["slices"])
    rows = labelled_rows(context, Week.ending(slices.end), slices)
    learned, judged = split_by_time(rows, slices)
    parameters = ModelParameters(**lineage["parameters"])
    return Fit(lineage["window"], slices, parameters, learned, judged, CalibrationMap.from_dict(lineage["calibration"]))
