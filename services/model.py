"""The model that the service answers with: a verified file and a pointer to it. No MLflow here."""

from dataclasses import asdict, dataclass
from pathlib import Path

from infra.errors import PreflightError
from infra.model_file import load_model, verify_model
from infra.storage import Store

POINTER = "serving/champion.json"


class NothingToServe(PreflightError, LookupError):  # noqa: N818
    """No model has been exported for the service."""


@dataclass(frozen=True)
class Served:
    """What the pointer says: the version, its file under the home folder, and the week whose feeds it knows."""

    version: int
    file: str
    sha256: str
    week: str


def export_model(store: Store, registered: Path, sha256: str, version: int, week: str) -> Served:
    """Copy a registered model file to where the service looks, then point to it; the old one stays whole until then."""
    served = Served(version, f"serving/{sha256[:16]}.skops", sha256, week)
    store.write_bytes(served.file, verify_model(registered, sha256).read_bytes())
    store.write_json(POINTER, asdict(served))
    return served


def load_served(store: Store) -> tuple[Served, object]:
    """The pointer and the model behind it. Raises NothingToServe, or ModelFileError when the file was changed."""
    pointer = store.read_json(POINTER)
    if pointer is None:
        raise NothingToServe(f"no model was exported under {store.home}; run: preflight replay, then preflight serve")
    served = Served(**pointer)
    return served, load_model(verify_model(store.path(served.file), served.sha256))
