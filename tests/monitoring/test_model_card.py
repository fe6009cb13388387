"""The model card: the same facts in both forms, safe against what they say, and nothing missing passed over."""

import re
from html import unescape
from itertools import pairwise

import pytest

from monitoring.card_facts import CardFacts, Table
from monitoring.card_plots import plot_reliability
from monitoring.model_card import Card, render_card

HASHES = {name: name[0] * 64 for name in ("record", "candidate", "bundle", "skops", "training", "gate", "features")}
FORMS = ("markdown", "html")


@pytest.mark.parametrize("form", FORMS)
def test_every_check_is_there_with_value_bound_verdict_and_sentence(form):
    checks = [check("enough flights", 11628, True), check("ranks better than chance", 0.5512, False)]

    page = rows_of(render(record=record(checks=checks)), form)

    assert ("enough flights", "11628", "bound of enough flights", "yes", "enough flights says") in page
    assert ("ranks better than chance", "0.5512", "bound of ranks better than chance", "no",
            "ranks better than chance says") in page  # fmt: skip


@pytest.mark.parametrize("form", FORMS)
def test_every_slice_is_there(form):
    page = rows_of(render(), form)

    assert ("carrier", "9E", "1,200", "300", "0.7123", "+0.0123", "+0.0456") in page
    assert ("hours", "evening", "1,200", "300", "0.7123", "-0.0123", "+0.0456") in page


@pytest.mark.parametrize("form", FORMS)
def test_every_gap_is_there_beside_the_rivals(form):
    page = rows_of(render(), form)

    for family in ("carriers", "destinations"):
        assert (family, "100", "900", "60.0%", "45.0%", "+0.1500", "10.0%", "20.0%", "-0.1000", "0.1500",
                "0.3000") in page  # fmt: skip


@pytest.mark.parametrize("form", FORMS)
def test_every_bin_of_the_reliability_is_there(form):
    assert ("500", "0.1000", "0.1200", "0.0800", "0.1600") in rows_of(render(), form)


@pytest.mark.parametrize("form", FORMS)
@pytest.mark.parametrize("name", sorted(HASHES.keys() - {"candidate"}))
def test_every_hash_and_signature_is_there(form, name):
    assert HASHES[name] in getattr(render(), form)


@pytest.mark.parametrize("form", FORMS)
def test_both_forms_say_the_same_words(form):
    said = text_of(getattr(render(), form))

    for words in (
        *("Who answers for it", "tail number counts as planned", "Cancelled and diverted flights", "2013"),
        *("Three airports of New York", "from a probability of 0.25 on", "costs 3 times a false alarm"),
    ):
        assert words in said


def test_both_forms_have_the_same_tables():
    card = render()

    assert rows_of(card, "html") == rows_of(card, "markdown")


@pytest.mark.parametrize("form", FORMS)
def test_hostile_text_is_shown_and_not_run(form):
    hostile = check("<script>alert('&')</script> | x", 1, True)

    page = getattr(render(record=record(checks=[hostile], reason="<img onerror=x>")), form)

    assert "<script" not in page
    assert "<img" not in page
    assert "&lt;script" in page


def test_a_bar_in_a_name_is_no_end_of_a_cell_in_markdown():
    card = render(record=record(checks=[check("a | b", 1, True)]))

    assert "| a \\| b | 1 |" in card.markdown


@pytest.mark.parametrize("form", FORMS)
def test_the_first_champion_had_no_champion_to_compare_gaps_with(form):
    judged = record(champion=None)
    judged["evidence"]["rival_name"] = "the base rate"

    card = render(record=judged)

    gaps = next(row for row in rows_of(card, form) if row[0] == "carriers")
    assert gaps[-1] == "none: the base rate says the same of everybody"


@pytest.mark.parametrize("form", FORMS)
def test_a_refit_shows_its_own_checks_and_says_whose_the_quality_is(form):
    card = refitted()

    assert ("has learned from the newest rows", "0.04", "bound of has learned from the newest rows", "yes",
            "has learned from the newest rows says") in rows_of(card, form)  # fmt: skip
    said = text_of(getattr(card, form))
    assert said.count("These are the figures of version 3, its candidate") == 4
    assert HASHES["record"] in said
    assert HASHES["candidate"] in said


@pytest.mark.parametrize("form", FORMS)
def test_a_candidate_says_that_it_is_one(form):
    said = text_of(getattr(render(), form))

    assert "candidate: what the gate judges" in said
    assert "its candidate" not in said


@pytest.mark.parametrize("form", FORMS)
@pytest.mark.parametrize(
    ("changed", "words"),
    [
        ({"late_share": None}, "not noted when it was registered"),
        ({"calibrated_by": None}, "how it was chosen is not noted"),
        ({"recipe": None}, "No recipe is noted"),
        ({"lock_sha256": None}, "none: there was no lock file"),
        ({"code": {"git_revision": None, "is_dirty": None, "sources_sha256": "s"}}, "none: this was no git checkout"),
    ],
)
def test_what_was_not_noted_is_said(form, changed, words):
    whole = lineage(late_share=0.2, recipe={"reason": "tuned"}, calibrated_by={"reason": "best"}, lock_sha256="l")
    lacking = {name: value for name, value in (whole | changed).items() if value is not None or name == "lock_sha256"}

    assert words not in text_of(getattr(render(lineage=whole), form))
    assert words in text_of(getattr(render(lineage=lacking), form))


@pytest.mark.parametrize("form", FORMS)
@pytest.mark.parametrize(
    ("part", "words"),
    [("slices", "No slice had enough flights to be judged."), ("fairness", "nothing was measured")],
)
def test_evidence_that_could_not_be_gathered_is_said(form, part, words):
    judged = record()
    judged["evidence"][part] = []

    assert words in text_of(getattr(render(record=judged), form))


@pytest.mark.parametrize("form", FORMS)
def test_a_candidate_without_a_calibration_slice_says_so(form):
    slices = {**lineage()["slices"], "calibration": lineage()["slices"]["cutoff"]}

    said = text_of(getattr(render(lineage=lineage(slices=slices)), form))

    assert "none: there was too little history for a slice of its own" in said


@pytest.mark.parametrize("form", FORMS)
def test_how_the_parameters_were_chosen_is_told_with_a_table_of_the_contenders(form):
    recipe = {
        "chosen": "lightgbm",
        "tuning": {"trials": 12, "reason": "within noise"},
        "contenders": [{"name": "lightgbm", "log_loss": 0.41}, {"name": "logistic", "log_loss": 0.47}],
    }

    page = rows_of(render(lineage=lineage(recipe=recipe)), form)

    assert {("chosen", "lightgbm"), ("tuning.trials", "12"), ("tuning.reason", "within noise")} <= set(page)
    assert {("lightgbm", "0.41"), ("logistic", "0.47")} <= set(page)


@pytest.mark.parametrize(("is_dirty", "words"), [(True, "yes"), (False, "no"), (None, "not known")])
def test_a_dirty_tree_is_said(is_dirty, words):
    code = {"git_revision": "abc", "is_dirty": is_dirty, "sources_sha256": "s"}

    card = render(lineage=lineage(code=code))

    assert ("dirty tree", words) in rows_of(card, "html")
    assert ("The tree had changes" in card.html) == bool(is_dirty)


def test_the_same_facts_give_the_same_bytes():
    assert render() == render()


def test_the_page_names_no_other_host_and_fetches_nothing():
    page = render().html

    assert set(re.findall(r"\w+://[^\s\"'<>)]*", page)) == {"http://www.w3.org/2000/svg"}
    assert not re.search(r"\b(src|srcset|data)=", page)


def test_headings_descend_one_level_at_a_time_and_ids_are_unique():
    page = render().html
    levels = [int(level) for level in re.findall(r"<h(\d)", page)]
    ids = re.findall(r' id="([^"]+)"', page)

    assert all(after <= before + 1 for before, after in pairwise(levels))
    assert len(ids) == len(set(ids))


def test_the_plot_shows_a_point_and_an_interval_per_bin():
    bins = record()["evidence"]["reliability"]["bins"]

    drawn = plot_reliability(bins)

    assert drawn == plot_reliability(bins)
    for figure in ("mean_probability", "late_share", "lower", "upper"):
        assert drawn != plot_reliability([{**bins[0], figure: 0.2}, bins[1]])
    assert 'aria-label="Reliability in 2 bins, from 0.100 said to 0.400"' in drawn


@pytest.mark.parametrize(
    ("cells", "is_numeric"),
    [(("1,200", "-"), True), (("+0.1", "3e-16"), True), (("5%",), True), (("9E",), False), (("1", "4f2a"), False)],
)
def test_a_column_is_set_as_numbers_where_every_cell_is_one(cells, is_numeric):
    assert Table("t", ("c",), tuple((cell,) for cell in cells)).numeric == (is_numeric,)


def render(**changed: dict) -> Card:
    """The card of candidate 3, with another record or lineage."""
    facts = {"record": record(), "lineage": lineage(), **changed}
    return render_card(
        CardFacts(
            version=3,
            judged=facts["record"],
            judged_lineage=facts["lineage"],
            manifest=manifest(),
            model_sha256=HASHES["skops"],
            **facts,
        )
    )


def refitted() -> Card:
    """The card of version 4, the refit of 3."""
    checks = [check("has learned from the newest rows", 0.04, True)]
    own = {"version": 4, "decided_on": "2013-03-04", "promote": True, "reason": "as the gate said", "checks": checks}
    signed = {**own, "bundle_sha256": HASHES["bundle"], "sha256": HASHES["record"], "judged_version": 3}
    return render_card(
        CardFacts(
            version=4,
            record=signed,
            judged={**record(), "sha256": HASHES["candidate"]},
            lineage=lineage(refit_of=3),
            judged_lineage=lineage(),
            manifest=manifest(),
            model_sha256=HASHES["skops"],
        )
    )


def rows_of(card: Card, form: str) -> list[tuple[str, ...]]:
    """Every row of every table, cells as a reader sees them."""
    if form == "html":
        bodies = re.findall(r"<tr>(<th scope=\"row\".*?)</tr>", card.html, re.DOTALL)
        return [tuple(map(unescape, re.findall(r"<t[hd][^>]*>(.*?)</t[hd]>", body))) for body in bodies]
    lines = [line for line in card.markdown.splitlines() if line.startswith("| ")]
    cells = [tuple(map(unescape, line[2:-2].split(" | "))) for line in lines]
    heads = {number - 1 for number, row in enumerate(cells) if set(row) == {"---"}}
    return [row for number, row in enumerate(cells) if number not in heads and set(row) != {"---"}]


def text_of(form: str) -> str:
    """The words of either form, white space as one blank."""
    return " ".join(unescape(re.sub(r"<style>.*?</style>|<svg.*?</svg>", "", form, flags=re.DOTALL)).split())


def check(name: str, value: float, passed: bool) -> dict:
    return {"name": name, "value": value, "bound": f"bound of {name}", "passed": passed, "sentence": f"{name} says"}


def record(champion: int | None = 2, checks: list[dict] | None = None, reason: str = "it is better") -> dict:
    return {
        "version": 3,
        "champion": champion,
        "promote": True,
        "reason": reason,
        "decided_on": "2013-03-04",
        "bundle_sha256": HASHES["bundle"],
        "sha256": HASHES["record"],
        "rules": {"confidence": 0.95},
        "checks": checks or [check("enough flights", 11628, True)],
        "evidence": evidence(),
    }


def evidence() -> dict:
    measured = {"flights": 1200, "late_share": 0.25, "mean_probability": 0.24, "roc_auc": 0.74, "log_loss": 0.47,
                "brier": 0.15}  # fmt: skip
    interval = {"mean": 0.0097, "lower": 0.0038, "share_positive": 1.0, "days": 14}
    estimate = {"value": 0.02, "lower": 0.01, "upper": 0.04}
    bins = [(500, 0.1, 0.12, 0.08, 0.16), (500, 0.4, 0.38, 0.3, 0.45)]
    names = ("flights", "mean_probability", "late_share", "lower", "upper")
    return {
        "challenger": measured,
        "rival": measured,
        "rival_name": "version 2",
        "gain": interval,
        "cost_saved": interval,
        "cost_saved_at_most": 28.3,
        "cost_per_thousand": 471.5,
        "rival_cost_per_thousand": 484.3,
        "reliability": {
            "bins": [dict(zip(names, one, strict=True)) for one in bins],
            "ece": estimate,
            "brier": estimate,
        },
        "slices": [a_slice("carrier", "9E", 0.0123), a_slice("hours", "evening", -0.0123)],
        "fairness": [gap("carriers"), gap("destinations")],
    }


def a_slice(family: str, name: str, gain: float) -> dict:
    return {"family": family, "name": name, "flights": 1200, "late": 300, "roc_auc": 0.7123, "gain": gain,
            "gain_at_most": 0.0456}  # fmt: skip


def gap(family: str) -> dict:
    flights = {"small": 100, "large": 900}
    ours = {"missed": {"small": 0.6, "large": 0.45}, "false_alarms": {"small": 0.1, "large": 0.2}}
    theirs = {"missed": {"small": 0.7, "large": 0.4}, "false_alarms": {"small": 0.1, "large": 0.1}}
    return {
        "family": family,
        "challenger": {"family": family, "flights": flights, **ours},
        "rival": {"family": family, "flights": flights, **theirs},
    }


def lineage(**changed: object) -> dict:
    slices = {"start": "2013-01-01T05:00", "calibration": "2013-02-13T05:00", "cutoff": "2013-02-18T05:00",
              "end": "2013-03-04T05:00"}  # fmt: skip
    usual = {
        "window": "expanding",
        "slices": slices,
        "rows": 40033,
        "late_share": 0.2345,
        "data": {"training": HASHES["training"], "gate": HASHES["gate"]},
        "parameters": {"kind": "hist_gradient_boosting", "trees": 10, "l2": 0.0},
        "protocol": {"version": 1, "gate_days": 14},
        "protocol_sha256": "p" * 64,
        "features_sha256": HASHES["features"],
        "predictions_sha256": "d" * 64,
        "code": {"git_revision": "abc", "is_dirty": False, "sources_sha256": "s" * 64},
        "lock_sha256": "k" * 64,
        "python": "3.11.7",
        "machine": "x86_64",
        "libraries": {"numpy": "2.4.6"},
        "calibrated_by": {"method": "affine", "reason": "lowest log loss"},
    }
    return {**usual, **changed}


def manifest() -> dict:
    return {
        "kind": "forest",
        "features": ["a", "b"],
        "files": {"model.onnx": {"sha256": "m" * 64, "bytes": 13235}},
        "calibration": {"kind": "affine"},
        "decision_threshold": 0.25,
        "facts": {"fit_key": "f" * 64},
    }
