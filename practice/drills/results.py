"""Results as documents, and the record of the runs of all drills: the one that goes on, and the last that ended."""

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
        "is_left_out": result.is_left_out,
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
    kept = ("seconds", "detect_seconds", "recover_seconds", "problem", "is_silent", "is_left_out")
    return Result(drill, moments, **{name: document[name] for name in kept})


@dataclass(frozen=True)
class Record:
    """The runs of all drills of one kind: with faults, without them (`control`), or with detectors off (`blind`).

    One that was killed goes on from what it had played. One that came to its end is kept for the matrix, until the
    next of its kind ends.
    """

    store: Store
    control: bool = False
    blind: bool = False

    def unfinished(self) -> list[Result]:
        """What was played so far of the run that goes on, in its order."""
        return self._read("unfinished")

    def ended(self) -> list[Result]:
        """The last run that came to its end; none when there was none."""
        return self._read("ended")

    def keep(self, results: list[Result]) -> None:
        """Write down what was played so far."""
        self._write("unfinished", results)

    def end(self, results: list[Result]) -> None:
        """This was all of it: nothing is left to go on from."""
        self._write("ended", results)
        self.store.remove(self._name("unfinished"))

    def _read(self, state: str) -> list[Result]:
        kept = self.store.read_json(self._name(state)) or {"results": []}
        return [result for one in kept["results"] if (result := as_result(one)) is not None]

    def _write(self, state: str, results: list[Result]) -> None:
        self.store.write_json(self._name(state), {"results": [as_document(one) for one in results]})

    def _name(self, state: str) -> str:
        mode = "-control" * self.control + "-blind" * self.blind
        return f"{FOLDER}/drills-{state}{mode}.json"
