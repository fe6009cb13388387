"""Prints the lines of a lock that pin uv: what an image installs first, with pip and by hash."""

import sys
from pathlib import Path

lines = Path(sys.argv[1]).read_text().splitlines()
start = next(number for number, line in enumerate(lines) if line.startswith("uv=="))
end = next(number for number, line in enumerate(lines[start + 1 :], start + 1) if not line.lstrip().startswith("--hash"))
sys.stdout.write("\n".join(lines[start:end]).rstrip(" \\") + "\n")
