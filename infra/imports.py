"""Whether modules can be imported: in a new process, where nothing that was imported before hides a break.

`python -m infra.imports MODULE...` prints a line for each as JSON: its name, and why not, empty when it can be.
"""

import importlib
import json
import subprocess
import sys
from collections.abc import Callable, Mapping, Sequence
from contextlib import redirect_stdout


def failing_imports(
    modules: Sequence[str],
    variables: Mapping[str, str],
    on_tried: Callable[[str], None] = lambda module: None,
) -> dict[str, str]:
    """The modules that cannot be imported, and why, by name; of a process that died, all that it had not reached.

    `variables` are the environment of the new process.
    """
    command = [sys.executable, "-m", __name__, *modules]
    said: dict[str, str] = {}
    with subprocess.Popen(
        command, env=dict(variables), stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True
    ) as child:
        for line in child.stdout or ():
            module, why = json.loads(line)
            said[module] = why
            on_tried(module)
    died = f"the process that imports it ended with code {child.returncode}"
    return {module: why for module in modules if (why := said.get(module, died))}


def main(modules: Sequence[str]) -> None:
    """Try one module after the other, and tell of each; what they print themselves goes to standard error."""
    for module in modules:
        with redirect_stdout(sys.stderr):
            why = _why_not(module)
        sys.stdout.write(f"{json.dumps([module, why])}\n")
        sys.stdout.flush()


def _why_not(module: str) -> str:
    try:
        importlib.import_module(module)
    except (Exception, SystemExit) as error:  # a module may fail in any way, and the next one is tried
        return f"{type(error).__name__}: {error}"
    return ""


if __name__ == "__main__":
    main(sys.argv[1:])
