"""Features without a snapshot: the plan is answered from, and everything that would have been heard is missing."""

from datetime import timedelta

import numpy as np

from pipelines.asked import PLAN_ONLY
from pipelines.feature_catalog import FEATURES
from services.messages import FlightRequest
from services.online import PlanAlone

EXAMPLE = FlightRequest(**FlightRequest.model_config["json_schema_extra"]["example"])


def test_a_flight_is_answered_from_the_plan_alone():
    later = EXAMPLE.scheduled_departure + timedelta(hours=1)
    rows = PlanAlone().rows([EXAMPLE, EXAMPLE.model_copy(update={"scheduled_departure": later})])

    column = {feature.name: place for place, feature in enumerate(FEATURES)}["departure_minute_of_day"]
    known = {FEATURES[place].group for place in np.flatnonzero(~np.isnan(rows.encoded).all(axis=0))}
    assert (rows.mode, rows.known_until, rows.flight_ids[0]) == (PLAN_ONLY, None, "2013-12-31-UA1519-EWR")
    assert rows.encoded[:, column].tolist() == [550, 610]
    assert known == {"plan"}
