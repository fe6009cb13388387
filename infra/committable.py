"""What may not be committed: files of `var/`, keys and secrets by their name, and text that holds one.

`python -m infra.committable [FILE ...]` looks at these files, or at all that git tracks, and ends with 1 when one of
them may not be committed. Run by `make committable` and before each commit.
"""

import re
import subprocess
import sys
from collections.abc import Iterable, Sequence
from pathlib import Path, PurePosixPath

FOLDERS = {"var", "secrets", ".venv", "__pycache__"}
NAMES = re.compile(r"(\.env(\..+)?|.*\.(key|pem|p12|pfx|jks|keystore)|id_(rsa|dsa|ecdsa|ed25519)|\.netrc|\.pypirc)")
EXAMPLES = re.compile(r"\.env\.(example|sample|template)")
CONTENT = {
    "a private key": rb"-----BEGIN [A-Z ]*PRIVATE KEY-----",
    "an access key of AWS": rb"\b(AKIA|ASIA)[0-9A-Z]{16}\b",
    "a token of GitHub": rb"\b(gh[pousr]_[A-Za-z0-9]{36}|github_pat_\w{22,})",
    "a token of the package index": rb"\bpypi-AgEIcHlwaS5vcmc",
    "a password in an address": rb"\b[a-z][a-z0-9+]*://[^\s:/@'\"{}$<>]+:(?![A-Z_]+@|\.{3}|[^\s@]*[{}$<>*])[^\s:/@'\"]{8,}@",
}


def main(files: Sequence[str]) -> int:
    """Look at files of the repository, name those that may not be committed, and return the exit code."""
    names = files or _tracked()
    if not names:
        sys.stderr.write("committable: git tracks no file here, so none was looked at; run it in the repository\n")
        return 1
    refused = [f"{name}: {why}" for name in names for why in reasons(name, _content(Path(name)))]
    for each in refused:
        sys.stderr.write(f"committable: {each}; take it out with `git rm --cached`, and change what was secret\n")
    if not refused:
        sys.stdout.write(f"committable: {len(names)} files, none of var/, no key, no secret\n")
    return 1 if refused else 0


def reasons(name: str, content: bytes) -> Iterable[str]:
    """Why a file of this name, relative to the repository, may not be committed; none when it may."""
    path = PurePosixPath(name)
    folders = FOLDERS & set(path.parts[:-1])
    if folders:
        yield f"it lies in {min(folders)}/, which a run or an installation writes"
    if NAMES.fullmatch(path.name) and not EXAMPLES.fullmatch(path.name) and not _is_of_compose(path, content):
        yield "it is named like a key or a secret"
    for what, pattern in CONTENT.items():
        if re.search(pattern, content):
            yield f"it holds {what}"


def _is_of_compose(path: PurePosixPath, content: bytes) -> bool:
    """Whether it is a `.env` that tells docker-compose its own switches, such as profiles, and nothing else."""
    lines = [line for line in content.splitlines() if line.strip() and not line.startswith(b"#")]
    return path.name == ".env" and bool(lines) and all(re.match(rb"COMPOSE_[A-Z_]+=[\w,.-]*$", line) for line in lines)


def _tracked() -> list[str]:
    listed = subprocess.run(["git", "ls-files", "-z"], capture_output=True, text=True, check=True).stdout
    return [name for name in listed.split("\0") if name]


def _content(path: Path) -> bytes:
    return path.read_bytes() if path.is_file() else b""


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
