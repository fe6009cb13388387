"""Is a server well? `python -m infra.healthy URL` ends with 0 when it answers 200: the health check of containers.

Standard library only: images have no curl. With a number, `python -m infra.healthy FILE SECONDS`, a file has to be
younger than that: the sign of life of a process that listens on no port.
"""

import sys
import time
import urllib.error
import urllib.request
from pathlib import Path

ANSWER_SECONDS = 4


def why_ill(what: str, seconds: float | None = None) -> str | None:
    """What is wrong, None when it is well."""
    if seconds is not None:
        file = Path(what)
        age = time.time() - file.stat().st_mtime if file.exists() else None
        if age is None:
            return f"{what} is not there"
        return None if age < seconds else f"{what} is {age:.0f} s old, allowed {seconds:g}"
    try:
        with urllib.request.urlopen(what, timeout=ANSWER_SECONDS) as answer:
            return None if answer.status == 200 else f"{what} answered {answer.status}, expected 200"
    except (urllib.error.URLError, OSError) as error:
        return f"{what}: {error}"


if __name__ == "__main__":
    trouble = why_ill(sys.argv[1], float(sys.argv[2]) if len(sys.argv) > 2 else None)
    sys.stderr.write(f"{trouble}\n" if trouble else "")
    sys.exit(bool(trouble))
