"""`python -m examples.second_data_set`: lives through the twelve weeks and prints what happened; half a minute."""

import argparse
import sys
import tempfile
from pathlib import Path

from pipelines.estimators import ESTIMATORS, HIST_GRADIENT_BOOSTING


def main() -> int:
    """Print the story; the last line is the outcome."""
    options = argparse.ArgumentParser("examples.second_data_set", description=__doc__)
    options.add_argument("--kind", choices=list(ESTIMATORS), default=HIST_GRADIENT_BOOSTING, help="the challengers")
    kind = options.parse_args().kind
    from examples.second_data_set.life import Life, live  # some seconds of imports, which --help does not need

    with tempfile.TemporaryDirectory(prefix="preflight-second-") as folder:
        life = Life(Path(folder), kind)
        for line in live(life):
            sys.stdout.write(f"{line}\n")
    sys.stdout.write(f"{life.outcome()}\n")
    return 0


if __name__ == "__main__":
    sys.exit(main())
