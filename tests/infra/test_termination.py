"""SIGTERM that ends a command in order."""

import signal
import subprocess
import sys
from pathlib import Path

CODE = """
import sys, tempfile, time
from infra.termination import cleaned_up_on_terminate
with cleaned_up_on_terminate(), tempfile.TemporaryDirectory() as scratch:
    print(scratch, flush=True)
    time.sleep(60)
"""


def test_what_was_opened_is_closed_when_sigterm_comes():
    with subprocess.Popen([sys.executable, "-c", CODE], stdout=subprocess.PIPE, text=True) as process:
        scratch = Path(process.stdout.readline().strip())
        there = scratch.exists()
        process.send_signal(signal.SIGTERM)
        code = process.wait(30)

    assert (there, code, scratch.exists()) == (True, 143, False)
