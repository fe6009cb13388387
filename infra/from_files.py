"""Secrets as files: `python -m infra.from_files COMMAND...` runs a command with variables read from files.

NAME_FILE=/run/secrets/name becomes NAME with the file's content, which is the convention of the official images; so no
secret stands in a compose file, an image or `docker inspect`. Standard library only.
"""

import os
import sys
from collections.abc import Mapping
from pathlib import Path

SUFFIX = "_FILE"
FOLDER = "/run/secrets/"
"""Where the files lie. Another tool's variable that ends so, as SSL_CERT_FILE, names a file elsewhere and stays."""


class SecretFileError(ValueError):
    """A variable names a file that cannot be read, is empty, or is given beside the value itself."""


def expand(environment: Mapping[str, str], folder: str = FOLDER) -> dict[str, str]:
    """The environment with each NAME_FILE that lies in `folder` replaced by NAME, a line end at the end left off.

    Raises SecretFileError.

    >>> expand({"A": "1", "SSL_CERT_FILE": "/etc/ssl/cert.pem"})
    {'A': '1', 'SSL_CERT_FILE': '/etc/ssl/cert.pem'}
    """
    expanded = dict(environment)
    for variable, path in environment.items():
        name = variable.removesuffix(SUFFIX)
        if name and name != variable and path.startswith(folder):
            if environment.get(name):
                raise SecretFileError(f"{name} and {variable} are both set; expected one of them, unset the other")
            expanded[name] = _content(variable, Path(path))
            del expanded[variable]
    return expanded


def _content(variable: str, path: Path) -> str:
    try:
        content = path.read_text().removesuffix("\n")
    except (OSError, UnicodeDecodeError) as error:
        raise SecretFileError(f"{variable}: cannot read {path} ({error}); make it with: make secrets") from error
    if not content:
        raise SecretFileError(f"{variable}: {path} is empty; expected a secret, remove it and run: make secrets")
    return content


def main(command: list[str], folder: str = FOLDER) -> int:
    """Become the command; 2 with a sentence when there is none or a file is missing."""
    if not command:
        sys.stderr.write("expected a command: python -m infra.from_files COMMAND ARGUMENTS...\n")
        return 2
    try:
        os.execvpe(command[0], command, expand(os.environ, folder))
    except SecretFileError as error:
        sys.stderr.write(f"{error}\n")
    except OSError as error:
        sys.stderr.write(f"cannot run {command[0]}: {error.strerror}\n")
    return 2


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
