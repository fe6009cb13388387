"""A database that cannot be used is a sentence with what to do next, and never a password."""

import pytest
import sqlalchemy as sa

from infra.database import DatabaseError, name_of, open_database
from infra.network import free_port

TABLES = sa.MetaData()
NUMBERS = sa.Table("numbers", TABLES, sa.Column("number", sa.Integer, primary_key=True))
SECRET = "s3cret"


def opened(tmp_path, url: str | None) -> sa.Engine:
    return open_database(url, tmp_path / "own file.db", "PREFLIGHT_X_URL", TABLES)


def refusal(tmp_path, url: str) -> str:
    with pytest.raises(DatabaseError) as refused:
        opened(tmp_path, url)
    return str(refused.value)


def test_without_a_url_it_is_a_file_with_the_tables(tmp_path):
    engine = opened(tmp_path, None)

    with engine.begin() as connection:
        connection.execute(sa.insert(NUMBERS).values(number=7))

    with opened(tmp_path, f"sqlite:///{tmp_path / 'own file.db'}").connect() as again:
        assert again.execute(sa.select(NUMBERS)).all() == [(7,)]


def test_a_database_of_our_own_is_made_with_its_folder(tmp_path):
    opened(tmp_path / "new", None)

    assert (tmp_path / "new" / "own file.db").exists()


@pytest.mark.parametrize(
    "url",
    [
        "",
        SECRET,
        f"mysql://user:{SECRET}@127.0.0.1/db",
        f"nonsense+psycopg://user:{SECRET}@127.0.0.1/db",
        f"postgresql://user:half@{SECRET}@127.0.0.1/db",
        f"postgresql://user:{SECRET}@127.0.0.1:port/db",
        f"postgresql:/user:{SECRET}@127.0.0.1",
    ],
)
def test_a_url_that_cannot_be_read_is_refused_and_not_repeated(tmp_path, url):
    said = refusal(tmp_path, url)

    assert said.startswith("PREFLIGHT_X_URL: expected sqlite:///FILE or postgresql+psycopg://USER:PASSWORD@")
    assert SECRET not in said
    assert "half" not in said


@pytest.mark.parametrize("scheme", ["postgresql", "postgresql+psycopg", "postgresql+psycopg2"])
def test_a_server_that_is_not_there_is_named_without_user_and_password(tmp_path, scheme):
    port = free_port()

    said = refusal(tmp_path, f"{scheme}://someone:{SECRET}@127.0.0.1:{port}/db?application_name={SECRET}")

    assert said.startswith(f"cannot use the database postgresql://127.0.0.1:{port}/db: ")
    assert "see that it runs" in said
    assert SECRET not in said
    assert "someone" not in said


def test_a_file_that_is_no_database_is_named(tmp_path):
    (tmp_path / "x.db").write_text("something else" * 100)

    assert f"cannot use the database sqlite:///{tmp_path}/x.db: file is not a database; " in refusal(
        tmp_path, f"sqlite:///{tmp_path}/x.db"
    )


def test_a_file_whose_folder_is_not_there_is_named(tmp_path):
    said = refusal(tmp_path, f"sqlite:///{tmp_path}/nowhere/x.db")

    assert said.startswith(f"cannot use the database sqlite:///{tmp_path}/nowhere/x.db: unable to open database file; ")


@pytest.mark.parametrize(
    ("url", "name"),
    [
        (
            f"postgresql+psycopg://u:{SECRET}@db.example:5433/flights?sslmode=require",
            "postgresql://db.example:5433/flights",
        ),
        ("postgresql:///flights", "postgresql:///flights"),
        ("sqlite:////var/x.db", "sqlite:////var/x.db"),
    ],
)
def test_a_database_has_a_name_without_who_asks_and_how(url, name):
    assert name_of(sa.make_url(url)) == name
