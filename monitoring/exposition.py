"""Prometheus' text format: named metrics with help, kind and samples, written so that a server can scrape them."""

from collections.abc import Iterable
from dataclasses import dataclass, field

GAUGE, COUNTER = "gauge", "counter"
FLOWS = "metrics/flows.prom"
"""Where in a home folder the metrics of the flows lie, written by `pipelines.exposing`, read by whoever scrapes."""


@dataclass(frozen=True)
class Sample:
    """One value of a metric, with the labels that tell it from the others."""

    value: float
    labels: dict[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class Metric:
    """What is measured under one name; a counter's name ends in `_total`."""

    name: str
    kind: str
    help: str
    samples: tuple[Sample, ...]


def render(metrics: Iterable[Metric]) -> str:
    r"""The metrics as Prometheus reads them; one without samples is left out, so that it is absent and not zero.

    >>> print(render([Metric("preflight_rows", GAUGE, "Rows", (Sample(3, {"feed": "weather"}),))]), end="")
    # HELP preflight_rows Rows
    # TYPE preflight_rows gauge
    preflight_rows{feed="weather"} 3
    """
    return "".join(_written(metric) for metric in metrics if metric.samples)


def _written(metric: Metric) -> str:
    head = f"# HELP {metric.name} {metric.help}\n# TYPE {metric.name} {metric.kind}\n"
    return head + "".join(f"{metric.name}{_labels(one.labels)} {_number(one.value)}\n" for one in metric.samples)


def _labels(labels: dict[str, str]) -> str:
    said = ",".join(f'{name}="{_escaped(value)}"' for name, value in labels.items())
    return f"{{{said}}}" if said else ""


def _escaped(value: str) -> str:
    return value.replace("\\", r"\\").replace('"', r"\"").replace("\n", r"\n")


def _number(value: float) -> str:
    return str(int(value)) if float(value).is_integer() else repr(float(value))
