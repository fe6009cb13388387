"""Our own workers with one of their settings taken back at a time: what is each of them worth?

Here they are started without the agent, as it follows one home for one service.
"""

import json
from dataclasses import replace

from benchmarks.serving.targets import PEERS, Target, bentoml_serve, ours
from infra.service_process import SERVICE

ONE_WORKER = ("--arg", "workers=1")
API_PATH = "/predict"
CLIENTS = (8,)
AS_BENTOML_HAS_THEM = {
    "requests traced": {"tracing": {"excluded_urls": ""}},
    "access log on": {"logging": {"access": {"enabled": True}}},
    "metrics of BentoML on": {"metrics": {"enabled": True}},
    "timeout 60 s": {"traffic": {"timeout": 60}},
}
"""The settings that our service changes, at BentoML's own values."""


def variants() -> list[Target]:
    """Ours as it is, then one thing changed at a time, then BentoML as it comes."""
    as_it_is = replace(ours(), command=bentoml_serve(SERVICE, *ONE_WORKER), clients=CLIENTS)
    python_gc, by_bentoml, untuned = (
        bentoml_serve(f"{PEERS}.{module}:FlightLateness", *ONE_WORKER)
        for module in ("ours_python_gc", "ours_by_bentoml", "ours_untuned")
    )
    return [
        as_it_is,
        *(replace(as_it_is, name=name, environment=_with(one)) for name, one in AS_BENTOML_HAS_THEM.items()),
        replace(as_it_is, name="Python's garbage collection", command=python_gc),
        replace(as_it_is, name="hot routes by the mount", command=by_bentoml),
        replace(as_it_is, name="route of BentoML", command=by_bentoml, path=API_PATH),
        replace(
            as_it_is,
            name="all of this",
            command=untuned,
            path=API_PATH,
            environment=_with({key: value for one in AS_BENTOML_HAS_THEM.values() for key, value in one.items()}),
        ),
    ]


def _with(settings: dict) -> dict[str, str]:
    """The environment in which BentoML takes these settings of our service instead of those in its decorator."""
    from services.service import FlightLateness

    return {"BENTOML_CONFIG_OVERRIDES": json.dumps({"services": {FlightLateness.name: settings}})}
