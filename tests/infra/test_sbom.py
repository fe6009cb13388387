"""The bill of materials holds what the lock holds, is valid, and is the same for the same lock."""

import json
from pathlib import Path

import pytest

from infra.locks import parse_lock, read_lock
from infra.sbom import SbomError, main, require_same, write_sbom

ROOT = Path(__file__).parents[2]
HASH = "ab" * 32
LOCK = f"""\
alpha==1.0 ; sys_platform == 'nowhere' \\
    --hash=sha256:{HASH}
both==1 ; python_version < '3' \\
    --hash=sha256:{HASH}
both==2 ; python_version >= '3' \\
    --hash=sha256:{HASH}
"""


@pytest.fixture
def lock(tmp_path: Path) -> Path:
    path = tmp_path / "some.lock"
    path.write_text(LOCK)
    return path


def test_every_pin_of_the_projects_lock_is_a_component(tmp_path, capsys):
    lock, target = ROOT / "requirements.lock", tmp_path / "sbom.json"

    code = main([str(lock), str(target)])

    components = json.loads(target.read_text())["components"]
    assert (code, len(components)) == (0, len(read_lock(lock)))
    assert f"names {len(components)} components, as many as requirements.lock pins" in capsys.readouterr().out


def test_a_component_has_its_version_its_hashes_and_its_address_of_a_package(lock, tmp_path):
    write_sbom(lock, tmp_path / "sbom.json")

    first, *_ = json.loads((tmp_path / "sbom.json").read_text())["components"]
    assert (first["name"], first["version"], first["purl"]) == ("alpha", "1.0", "pkg:pypi/alpha@1.0")
    assert HASH in json.dumps(first)


def test_the_same_lock_gives_the_same_bytes(lock, tmp_path):
    write_sbom(lock, tmp_path / "one.json")
    write_sbom(lock, tmp_path / "two.json")

    assert (tmp_path / "one.json").read_bytes() == (tmp_path / "two.json").read_bytes()


def document(*components: tuple[str, str]) -> dict:
    return {"components": [{"name": name, "version": version} for name, version in components]}


ALL = (("alpha", "1.0"), ("both", "1"), ("both", "2"))


def test_a_document_with_the_pins_is_accepted():
    require_same(parse_lock(LOCK), document(*ALL))


@pytest.mark.parametrize(
    ("components", "named"),
    [
        (ALL[:2], "missing: both 2; too many: none"),
        ((*ALL, ("gamma", "1")), "missing: none; too many: gamma 1"),
        ((("alpha", "2.0"), *ALL[1:]), "missing: alpha 1.0; too many: alpha 2.0"),
        ((*ALL, ALL[0]), "too many: alpha 1.0"),
        ((), "got 0"),
    ],
)
def test_a_document_that_differs_from_the_lock_is_refused(components, named):
    with pytest.raises(SbomError, match=named):
        require_same(parse_lock(LOCK), document(*components))


def test_a_lock_that_cannot_be_read_leaves_no_document(tmp_path, capsys):
    code = main([str(tmp_path / "none.lock"), str(tmp_path / "sbom.json")])

    assert (code, list(tmp_path.iterdir())) == (1, [])
    assert capsys.readouterr().err.startswith("sbom: ")


def test_half_an_argument_is_wrong_usage():
    assert main(["some.lock"]) == 2
