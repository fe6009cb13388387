"""A drill with its detector switched off: played by a copy of our code in which the lines that notice it are changed.

`python -m practice.drills.disarmed NAME GROUND` plays it there and prints a moment a line, then the result, as JSON.
Everything that the drill starts runs from that copy as well, since it is the folder of the process and on its path.
"""

import json
import os
import subprocess
import sys
import tempfile
from collections.abc import Callable
from dataclasses import asdict
from pathlib import Path

from practice.drills.catalog import find_drill
from practice.drills.code import change_code, copy_code
from practice.drills.ground import Ground
from practice.drills.results import as_document, as_result
from practice.drills.runner import Result, play
from practice.drills.scene import Drill, DrillFailed, Moment


def play_disarmed(drill: Drill, ground: Ground, on_moment: Callable[[Moment], None] = lambda moment: None) -> Result:
    """Play a drill without its detector. It has to fail, silent: what passes all the same is noticed by somebody else.

    Raises OtherCode when the lines to change are not there any more, DrillFailed when the copy cannot be run.
    """
    with tempfile.TemporaryDirectory(prefix=f"preflight-disarmed-{drill.name}-") as folder:
        code = disarm(drill, Path(folder) / "code")
        command = [sys.executable, "-m", __name__, drill.name, str(ground.folder)]
        with subprocess.Popen(command, cwd=code, env=_on_path_first(code), stdout=subprocess.PIPE, text=True) as child:
            for line in child.stdout or ():
                said = json.loads(line)
                if "kind" in said:
                    on_moment(Moment(**said))
        found = as_result(said) if child.returncode == 0 else None
    if found is None:
        raise DrillFailed(f"{drill.name} could not be played without its detector: exit code {child.returncode}")
    return found


def disarm(drill: Drill, folder: Path) -> Path:
    """A copy of our code in which nobody notices what the drill puts in. Raises OtherCode."""
    code = copy_code(folder)
    for change in drill.disarm:
        change_code(code, *change)
    return code


def _on_path_first(code: Path) -> dict[str, str]:
    paths = [str(code), *filter(None, [os.environ.get("PYTHONPATH")])]
    return {**os.environ, "PYTHONPATH": os.pathsep.join(paths)}


def main(name: str, ground: str) -> None:
    """Play one drill of the code this runs from, and say how it goes."""
    drill = find_drill(name)
    if drill is None:
        raise DrillFailed(f"expected a drill of `preflight drill list`, got {name!r}")
    result = play(drill, Ground(Path(ground)), on_moment=lambda moment: _say(asdict(moment)))
    _say(as_document(result))


def _say(document: dict) -> None:
    sys.stdout.write(f"{json.dumps(document)}\n")
    sys.stdout.flush()


if __name__ == "__main__":
    main(*sys.argv[1:])
