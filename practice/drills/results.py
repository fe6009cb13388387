"""Results as documents, and those of a run of all drills that was ended before its end."""

from dataclasses import asdict, dataclass

from infra.storage import Store
from practice.drills.catalog import find_drill
from practice.drills.runner import Result
from practice.drills.scene import Moment

FOLDER = "practice"


def as_document(result: Result) -> dict:
    """What a result says, without the drill itself."""
    return {
        "name": result.drill.name,
        "detector": result.drill.detector,
        "passed": result.passed,
        "is_silent": result.is_silent,
        "problem": result.problem,
        "seconds": result.seconds,
        "detect_seconds": result.detect_seconds,
        "recover_seconds": result.recover_seconds,
        "moments": [asdict(one) for one in result.moments],
    }


def as_result(document: dict) -> Result | None:
    """The result that a document tells of, None when there is no such drill any more."""
    drill = find_drill(document["name"])
    if drill is None:
        return None
    moments = tuple(Moment(**one) for one in document["moments"])
    kept = ("seconds", "detect_seconds", "recover_seconds", "problem", "is_silent")
    return Result(drill, moments, **{name: document[name] for name in kept})


@dataclass(frozen=True)
class Unfinished:
    """What was played so far of a run of all: one that was killed goes on from it, one that ended leaves none."""

    store: Store
    control: bool
    blind: bool

    def results(self) -> list[Result]:
        """Those played so far, in their order."""
        kept = self.store.read_json(self._name) or {"results": []}
        return [result for one in kept["results"] if (result := as_result(one)) is not None]

    def keep(self, results: list[Result]) -> None:
        """Write them down."""
        self.store.write_json(self._name, {"results": [as_document(one) for one in results]})

    def end(self) -> None:
        """Nothing is left to go on from."""
        self.store.remove(self._name)

    @property
    def _name(self) -> str:
        mode = "-control" * self.control + "-blind" * self.blind
        return f"{FOLDER}/drills-unfinished{mode}.json"
