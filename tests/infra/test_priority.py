"""How much of the processor a process claims: little for itself, and its session is given back as it was."""

import subprocess
import sys
from pathlib import Path

import pytest

from infra.priority import AUTOGROUP

SCRIPT = """
import os
import sys
from pathlib import Path
from infra import priority

priority.AUTOGROUP = Path(sys.argv[1])

def session():
    return priority.AUTOGROUP.read_text().split()[-1] if priority.AUTOGROUP.exists() else "?"

told = [session()]
with priority.coming_last():
    told += [session(), str(os.nice(0))]
print(*told, session())
"""


def niceness_of_session_and_process(autogroup: Path) -> list[str]:
    """Before, in and after the block, in a session of its own; the third is the process's."""
    command = [sys.executable, "-c", SCRIPT, str(autogroup)]
    return subprocess.run(command, capture_output=True, text=True, check=True, start_new_session=True).stdout.split()


@pytest.mark.skipif(not AUTOGROUP.exists(), reason="sessions are not weighed here")
def test_a_process_that_comes_last_takes_its_session_with_it_and_gives_it_back():
    assert niceness_of_session_and_process(AUTOGROUP) == ["0", "19", "19", "0"]


def test_where_sessions_are_not_weighed_the_process_alone_comes_last(tmp_path):
    assert niceness_of_session_and_process(tmp_path / "none") == ["?", "?", "19", "?"]
