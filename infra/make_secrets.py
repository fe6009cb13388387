"""Makes every secret of the stack once: `make secrets`, or the one-shot `secrets` of docker-compose.yml.

One folder per audience, so that each container is given its own and no other. A secret that is there stays; none has a
default, and none is printed.
"""

import json
import os
import secrets
import sys
from pathlib import Path

from infra.storage import write_atomically

BYTES = 24
DATABASES = ("mlflow", "prefect", "preflight")
"""Databases, each with a role of the same name that owns it and nothing else."""
ADMIN = "admin"
AUDIENCES = ("postgres", "mlflow", "prefect", "client", "service", "backup")


def make_secrets(folder: Path, postgres: str = "postgres:5432") -> list[str]:
    """Make what is missing under `folder`; the names of the files that were made. Done again it makes none.

    Passwords are made first and what holds them last, so that a killed call is made whole by the next.
    """
    made: list[str] = []

    def keep(name: str, content: str) -> str:
        path = folder / name
        if not path.exists():
            write_atomically(path, f"{content}\n".encode())
            path.chmod(0o444)  # read by other users in containers; the folder is closed to other users of the machine
            made.append(name)
        return path.read_text().removesuffix("\n")

    for audience in AUDIENCES:
        (folder / audience).mkdir(parents=True, exist_ok=True)
    if os.access(folder, os.W_OK) and folder.stat().st_uid == os.getuid():
        folder.chmod(0o700)
    for name in ("postgres/postgres_password", "mlflow/mlflow_secret_key", "service/api_key"):
        keep(name, _fresh())
    passwords = {name: keep(f"postgres/{name}_password", _fresh()) for name in DATABASES}
    urls = {name: f"{name}:{password}@{postgres}/{name}" for name, password in passwords.items()}
    keep("mlflow/mlflow_database_url", f"postgresql+psycopg://{urls['mlflow']}")
    keep("prefect/prefect_database_url", f"postgresql+asyncpg://{urls['prefect']}")
    keep("client/predictions_url", f"postgresql+psycopg://{urls['preflight']}")
    keep("backup/backup_databases", json.dumps([f"postgresql+psycopg://{url}" for url in urls.values()]))
    keep("prefect/prefect_auth", f"{ADMIN}:{_fresh()}")
    keep("client/prefect_auth", (folder / "prefect/prefect_auth").read_text().strip())
    password = keep("client/mlflow_password", _fresh())
    keep("mlflow/basic_auth.ini", _basic_auth(password))
    keep("client/api_key", (folder / "service/api_key").read_text().strip())
    return made


def _fresh() -> str:
    return secrets.token_urlsafe(BYTES)


def _basic_auth(password: str) -> str:
    """The file that MLFLOW_AUTH_CONFIG_PATH names. Who may enter is kept in a file that is made anew at each start.

    Beside the runs it would come back from a backup with the password of another stack, and keep everybody out.
    """
    settings = {
        "default_permission": "READ",
        "database_uri": "sqlite:////tmp/basic_auth.db",
        "admin_username": ADMIN,
        "admin_password": password,
        "authorization_function": "mlflow.server.auth:authenticate_request_basic_auth",
    }
    return "\n".join(["[mlflow]", *(f"{name} = {value}" for name, value in settings.items())])


def main(folder: Path) -> int:
    """Make them and say how many were new, naming none of their values."""
    made = make_secrets(folder)
    there = sum(len(list((folder / audience).iterdir())) for audience in AUDIENCES)
    sys.stdout.write(f"{len(made)} secrets made, {there - len(made)} were there, in {folder}\n")
    return 0


if __name__ == "__main__":
    sys.exit(main(Path(sys.argv[1] if len(sys.argv) > 1 else "secrets")))
