"""Our own service with one of its settings taken back at a time: what is each of them worth?"""

from dataclasses import replace

from benchmarks.serving.targets import API_PATH, OURS, PEERS, Target, bentoml_serve, ours, overridden

CLIENTS = (8,)
DEFAULTS = {
    "requests traced": {"tracing": {"excluded_urls": ""}},
    "access log on": {"logging": {"access": {"enabled": True}}},
    "timeout 60 s": {"traffic": {"timeout": 60}},
}
"""BentoML's own values of the settings that our service changes."""
WITHOUT_METRICS = {"metrics": {"enabled": False}}


def variants() -> list[Target]:
    """Ours as it is, then one thing changed at a time, then BentoML as it comes."""
    found = [_changed(name, settings) for name, settings in DEFAULTS.items()]
    found.append(_changed("metrics off", WITHOUT_METRICS))
    python_gc = bentoml_serve(f"{PEERS}.ours_python_gc:FlightLateness")
    found.append(replace(ours(), name="Python's garbage collection", command=python_gc, clients=CLIENTS))
    found.append(replace(ours(), name="@bentoml.api route", path=API_PATH, clients=CLIENTS))
    every = {key: value for settings in DEFAULTS.values() for key, value in settings.items()}
    as_it_comes = replace(_changed("BentoML as it comes", every), command=python_gc, path=API_PATH)
    return [replace(ours(), name=OURS, clients=CLIENTS), *found, as_it_comes]


def _changed(name: str, settings: dict) -> Target:
    return replace(ours(), name=name, environment=overridden(settings), clients=CLIENTS)
