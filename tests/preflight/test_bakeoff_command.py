"""What a user sees of the bake-off: every policy beside what was lived, a page, a document, and no fit made twice."""

import json

from pipelines.bakeoff_policies import CONTENDERS


def test_a_lived_year_is_played_again_under_every_policy_and_goes_on_after_a_kill(run_here, lived_copy, tmp_path):
    home, document = lived_copy.settings.home, tmp_path / "bakeoff.md"

    first = run_here(home, "bakeoff", "--json")
    files = sorted(home.glob("bakeoff/fits/*.npz"))
    written = {path: path.read_bytes() for path in files}
    files[0].unlink()
    again = run_here(home, "bakeoff", "--write", str(document))

    assert first.returncode == again.returncode == 0, first.stderr + again.stderr
    said = json.loads(first.stdout)
    untuned, tuned = ([f"{one.name} ({recipe})" for one in CONTENDERS] for recipe in ("untuned", "tuned"))
    library = ["never (library defaults)", "monthly (library defaults)"]
    assert list(said["policies"]) == [*untuned, *library, *tuned, "as lived", "hindsight"]
    assert said["fits"] == len(files)
    assert said["policies"]["as lived"]["mean_log_loss"] > said["policies"]["hindsight"]["mean_log_loss"]
    assert {path: path.read_bytes() for path in files[1:]} == {path: written[path] for path in files[1:]}
    assert said["conclusion"][0] in document.read_text()
    assert (home / "report" / "bakeoff.html").exists()
    assert again.stdout.splitlines()[-1].endswith(f"Open {home / 'report' / 'bakeoff.html'}")
