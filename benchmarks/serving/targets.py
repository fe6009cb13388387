"""The servers that are measured: how each is started, where and with what it is asked, and how its answer reads."""

import os
import sys
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from pathlib import Path

from benchmarks.serving.export import FEATURES, FLIGHTS, PAGES, ROWS, SPLIT, Export
from infra.network import LOOPBACK

MOST_LOG_MB = "20000"  # what many seconds of load log is no reason to refuse
ROOT = Path(__file__).resolve().parents[2]
PEERS = "benchmarks.serving_peers"
HOT_PATH, HOT_PAGES_PATH = "/v1/predict", "/v1/predict_batch"
OURS, MLFLOW, FASTAPI, FLOOR = "ours", "mlflow models serve", "FastAPI", "a constant answer"
TEXTBOOK, BATCHING = "BentoML, sklearn", "BentoML, sklearn, batching"
TEXTBOOK_ONNX, BATCHING_ONNX = "BentoML, ONNX", "BentoML, ONNX, batching"
BATCHED = ((BATCHING, TEXTBOOK), (BATCHING_ONNX, TEXTBOOK_ONNX))
CLIENTS, CLIENTS_WHO_BATCH = (1, 8, 64), (8, 64)


@dataclass(frozen=True)
class Target:
    """A server with one worker. `probability` reads its answer; None for one that has nothing to say."""

    name: str
    what: str
    command: Callable[[Export, int], list[str]]
    path: str
    form: str
    probability: Callable[[object], float] | None
    ready: str = "/readyz"
    environment: dict[str, str] = field(default_factory=dict)
    clients: tuple[int, ...] = CLIENTS

    def variables(self, export: Export, port: int) -> dict[str, str]:
        """The environment it is started in: one thread for sums, folders of its own."""
        path = os.pathsep.join([str(Path(sys.executable).parent), os.environ.get("PATH", "")])
        return {
            **os.environ,
            "PATH": path,
            "PYTHONPATH": str(ROOT),
            "OMP_NUM_THREADS": "1",
            "BENTOML_DO_NOT_TRACK": "True",
            "BENTOML_HOME": str(export.folder / "bentoml" / str(port)),
            "BENCH_FOLDER": str(export.folder),
            "PREFLIGHT_HOME": str(export.home),
            "PREFLIGHT_WORKERS": "1",
            "PREFLIGHT_LOG_BACKLOG_MB": MOST_LOG_MB,
            **self.environment,
        }


def bentoml_serve(service: str, *options: str) -> Callable[[Export, int], list[str]]:
    """The command that serves a BentoML service."""
    return lambda export, port: _python("bentoml", "serve", service, "--host", LOOPBACK, "--port", port, *options)


def uvicorn(app: str, *options: str) -> Callable[[Export, int], list[str]]:
    """The command that serves an ASGI application: uvloop and httptools, no access log."""
    serve = ("uvicorn", app, "--loop", "uvloop", "--http", "httptools", "--no-access-log", *options)
    return lambda export, port: _python(*serve, "--host", LOOPBACK, "--port", port)


def _mlflow(export: Export, port: int) -> list[str]:
    options = ("--env-manager", "local", "--workers", 1, "--host", LOOPBACK, "--port", port)
    return _python("mlflow", "models", "serve", "--model-uri", export.model, *options)


def _python(*words: object) -> list[str]:
    return [sys.executable, "-m", *map(str, words)]


def ours() -> Target:
    """Our service as it is run: the workers, one of them, and the agent that follows the registry and loads the log."""
    said = "preflight serve; from a planned flight to a logged answer with reasons"
    return Target(OURS, said, _preflight_serve, HOT_PATH, FLIGHTS, _late_probability)


def _preflight_serve(export: Export, port: int) -> list[str]:
    return _python("preflight", "serve", "--port", port, "--week", export.week)


def ours_by_the_page() -> Target:
    """Our service asked for 1,000 flights at a time."""
    asked = {"name": "ours, 1,000 flights", "path": HOT_PAGES_PATH, "form": PAGES}
    return replace(ours(), **asked, probability=None, clients=(1,))


def peers() -> list[Target]:
    """Everybody else. They are asked with the features, so they have none to make; none logs, or gives reasons."""
    app = uvicorn(f"{PEERS}.fastapi_onnx:app")
    floor = uvicorn(f"{PEERS}.floor:app", "--lifespan", "off")
    said = "the registered scikit-learn model"
    return [
        Target(MLFLOW, said, _mlflow, "/invocations", SPLIT, _second_class, ready="/ping"),
        _bento(TEXTBOOK, "scikit-learn, pandas, every default", "bento_sklearn:Textbook", CLIENTS),
        _bento(BATCHING, "the same, adaptive batching on", "bento_sklearn:Batching"),
        _bento(TEXTBOOK_ONNX, "ONNX, pydantic, every default", "bento_onnx:Textbook"),
        _bento(BATCHING_ONNX, "the same, adaptive batching on", "bento_onnx:Batching"),
        Target(FASTAPI, "async def, pydantic, ONNX", app, "/predict", FEATURES, _late_probability),
        Target(FLOOR, "uvicorn, no model", floor, "/", FEATURES, None, ready="/"),
    ]


def _bento(name: str, what: str, service: str, clients: tuple[int, ...] = CLIENTS_WHO_BATCH) -> Target:
    return Target(name, what, bentoml_serve(f"{PEERS}.{service}"), "/predict", ROWS, _first, clients=clients)


def _late_probability(answer: dict) -> float:
    return answer["probability_late"]


def _first(answer: list) -> float:
    return answer[0]


def _second_class(answer: dict) -> float:
    return answer["predictions"][0][1]
