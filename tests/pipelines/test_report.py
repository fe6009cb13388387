"""Where the page says the rest of a home folder lies."""

from pathlib import Path

import pytest

from infra.settings import Settings
from pipelines.context import Context
from pipelines.report import DATA_DOCS, find_places, keep_reports, write_report
from pipelines.scoring import NoChampion


def test_data_docs_are_linked_only_where_they_were_built(tmp_path):
    before = find_places(context(tmp_path)).data_docs
    docs = tmp_path.joinpath(*DATA_DOCS)
    docs.parent.mkdir(parents=True)
    docs.touch()

    after = find_places(context(tmp_path)).data_docs

    assert before is None
    assert (tmp_path / "report" / after).resolve() == docs.resolve()


@pytest.mark.parametrize(("place", "name"), [("validation", "validation.html"), ("bakeoff", "bakeoff.html")])
def test_a_page_is_linked_only_where_it_was_made(tmp_path, place, name):
    before = getattr(find_places(context(tmp_path)), place)
    (tmp_path / "report").mkdir()
    (tmp_path / "report" / name).touch()

    assert before is None
    assert getattr(find_places(context(tmp_path)), place) == name


def test_commands_survive_a_home_with_a_space():
    commands = {tool.name: tool.command for tool in find_places(context(Path("/my year"))).tools}

    assert commands == {
        "MLflow": ".venv/bin/mlflow ui --backend-store-uri 'sqlite:////my year/mlflow/mlflow.db' --port 5000",
        "Evidently": "PREFLIGHT_HOME='/my year' .venv/bin/preflight evidently",
        "Prefect": "PREFECT_HOME='/my year/prefect' .venv/bin/prefect server start",
        "Prediction service": "PREFLIGHT_HOME='/my year' .venv/bin/preflight serve",
    }


def test_reports_beyond_those_that_are_kept_are_dropped_and_named_no_more(tmp_path):
    folder = tmp_path / "report" / "evidently"
    folder.mkdir(parents=True)
    for week in ("2013-04-29", "2013-05-27", "2013-06-24"):
        (folder / f"{week}.html").touch()

    kept = keep_reports(Context(Settings(home=tmp_path, evidently_reports=2)))

    assert kept == [path.stem for path in sorted(folder.iterdir())] == ["2013-05-27", "2013-06-24"]


def test_a_home_where_nothing_was_scored_has_no_page(tmp_path):
    with pytest.raises(NoChampion, match="preflight replay"):
        write_report(context(tmp_path))

    assert not (tmp_path / "report").exists()


def context(home: Path) -> Context:
    return Context(Settings(home=home))
