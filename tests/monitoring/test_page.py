"""The page of the year: whole, offline, safe against what events say, and the same for the same year."""

import re
from dataclasses import replace
from html.parser import HTMLParser
from itertools import pairwise

import pytest

from monitoring.page import Places, Tool, render_page, summarise_drift, summarise_headline
from monitoring.quality import Quality
from monitoring.summary import PeriodRow, Year

SVG = "http://www.w3.org/2000/svg"
WEEKS = ("2013-04-01", "2013-04-08", "2013-04-15", "2013-04-22", "2013-04-29")


@pytest.fixture(scope="module")
def page() -> str:
    """The page of the default year, drawn once."""
    return render(year())


def test_the_page_names_no_other_host(page):
    assert set(re.findall(r"\w+://[^\s\"'<>)]*", page)) == {SVG}


def test_the_page_has_no_address_that_would_be_fetched(page):
    fetching = [(tag, name) for tag, name, _ in attributes(page) if name in ("src", "srcset", "data")]

    assert fetching == []


def test_links_lead_into_the_page_or_the_home_folder(page):
    links = {value for tag, name, value in attributes(page) if (tag, name) == ("a", "href")}

    assert {link for link in links if not link.startswith("#")} == {
        "evidently/2013-04-08.html",
        "../gx/uncommitted/data_docs/local_site/index.html",
    }


@pytest.mark.parametrize("stage", ["gate", "decide"])
def test_hostile_text_in_a_reason_is_shown_and_not_run(stage):
    page = render(year(changed={stage: {"reason": "<script>alert('&')</script>"}}))

    assert "<script" not in page
    assert "&lt;script&gt;alert(&#39;&amp;&#39;)&lt;/script&gt;" in page


def test_hostile_names_of_rules_warnings_features_and_feeds_are_escaped():
    hostile = "<img onerror=x>$\\frac$"
    feeds = {hostile: counts(quarantined=1, rules_broken={hostile: 1}, warnings=[hostile])}

    page = render(year(changed={"validate": {"feeds": feeds}, "monitor": {"drift": {hostile: 0.3}}}))

    assert "<img" not in page


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("flights scored", "32,500"),
        ("mean ROC-AUC, live", "0.750"),
        ("mean ROC-AUC, frozen", "0.730"),
        ("gained by retraining", "+0.020"),
        ("mean log loss, live", "0.450"),
        ("mean log loss, frozen", "0.470"),
        ("mean log loss, base rate", "0.560"),
        ("versions trained", "2"),
        ("rows quarantined", "10"),
        ("warnings", "5"),
    ],
)
def test_every_headline_number_is_on_the_page(page, name, value):
    assert re.search(rf'<dt>{re.escape(name)}</dt><dd class="value">{re.escape(value)}</dd>', page)


def test_the_event_log_hash_is_on_the_page(page):
    assert "<code>a1b2c3</code>" in page


def test_promoted_and_refused_versions_are_counted_apart(page):
    assert "1 promoted, 1 refused" in page


def test_the_same_year_gives_the_same_bytes(page):
    assert page == render(year())


def test_ids_are_unique_across_all_plots(page):
    ids = [value for _, name, value in attributes(page) if name == "id"]

    assert len(ids) == len(set(ids))


def test_a_plot_says_what_it_shows(page):
    svgs = re.findall(r"<svg [^>]*>", page)

    assert all('role="img" aria-label="' in svg for svg in svgs)
    assert len(svgs) == 7


def test_headings_descend_one_level_at_a_time(page):
    levels = [int(level) for level in re.findall(r"<h(\d)", page)]

    assert levels[0] == 1
    assert all(after <= before + 1 for before, after in pairwise(levels))


def test_a_year_of_one_week_has_all_its_plots():
    page = render(year(weeks=WEEKS[:1]))

    assert page.count("<svg ") == 7
    assert "in 1 week<" in page


def test_a_week_that_was_only_scored_says_what_is_missing():
    scored = year(weeks=WEEKS[:1])
    kept = tuple(event for event in scored.events if event["stage"] == "score")

    page = render(replace(scored, months=(), weeks=(), events=kept), evidently=[])

    assert page.count("<svg ") == 0
    assert "No scored flight has a label yet." in page
    assert "No week has been measured yet." in page


def test_a_month_without_auc_is_shown_with_a_dash_and_left_out_of_the_mean():
    lacking = period("2013-05", live=quality(auc=None), frozen=quality(auc=None))
    whole = year()

    page = render(replace(whole, months=(*whole.months, lacking)))

    assert '<dd class="value">0.750</dd>' in page
    assert row_of(page, "2013-05").count('<td class="number">-</td>') == 3  # live, frozen and the gain


def test_a_year_without_any_auc_has_no_gain():
    lacking = period("2013-04", live=quality(auc=None), frozen=quality(auc=None))

    headline = summarise_headline(replace(year(), months=(lacking,)), feeds=[])

    assert headline.auc_gain is None
    assert headline.months_ahead == 0


def test_a_month_in_which_live_ties_the_frozen_champion_is_not_counted_as_ahead():
    tied = period("2013-04", live=quality(auc=0.7), frozen=quality(auc=0.7))

    assert summarise_headline(replace(year(), months=(tied,)), feeds=[]).months_ahead == 0


def test_a_verdict_given_after_the_last_month_is_named():
    page = render(year(changed={"gate": {"decided_on": "2014-01-06"}}))

    assert "version 2 on 2014-01-06" in page


def test_a_feature_at_the_threshold_counts_as_above_it():
    changed = {"monitor": {"drift": {"near": 0.0999, "at": 0.1}}}

    drift = {feature.name: feature for feature in summarise_drift(year(weeks=WEEKS[:1], changed=changed))}

    assert (drift["near"].share_above, drift["at"].share_above) == (0.0, 1.0)


def test_every_check_of_every_verdict_is_on_the_page_with_its_sentence(page):
    for verdict in ("Version 1, promoted", "Version 2, refused"):
        table = page[page.index(f'<table aria-label="{verdict}">') :]
        row = row_of(table, "fresh to both")
        assert ">bound of fresh to both<" in row
        assert ">fresh to both says<" in row
        assert (">no<" in row) == verdict.endswith("refused")


def test_a_version_leads_to_its_card_where_it_has_one():
    lived = year()
    served = {"stage": "promote", "week": WEEKS[0], "judged": 1, "champion": 7, "promoted": True}

    page = render(replace(lived, events=(*lived.events, served)), cards={1: "models/1.html", 7: "models/7.html"})

    assert '<a href="models/1.html">1</a>' in page
    assert '<a href="models/7.html">7</a>' in page
    assert re.search(r'<th scope="row" class="number">\s*2</th>', page)


def test_a_refit_is_drawn_on_the_line_of_the_version_that_was_judged():
    lived = year(changed={"score": {"version": 7}})
    served = {"stage": "promote", "week": WEEKS[0], "judged": 1, "champion": 7, "promoted": True}

    page = render(replace(lived, events=(*lived.events, served)))

    assert "version 1, served as 7<" in page
    assert "version 7<" not in page


def test_data_docs_that_were_not_built_are_not_linked():
    page = render(year(), data_docs=None)

    assert "data_docs" not in page
    assert "Data Docs have not been built" in page


def test_the_commands_of_the_other_tools_are_shown(page):
    assert "<code>tool --home &#39;a b&#39;</code>" in page


def render(
    year: Year,
    evidently: tuple[str, ...] = ("2013-04-08",),
    data_docs: str | None = "../gx/uncommitted/data_docs/local_site/index.html",
    cards: dict[int, str] | None = None,
) -> str:
    tool = Tool(name="Tool", shows="Everything.", command="tool --home 'a b'", address="localhost:1")
    return render_page(year, list(evidently), Places("home", data_docs, (tool,), cards=cards or {}))


def row_of(page: str, name: str) -> str:
    """The first table row with this heading."""
    return re.search(rf'<th scope="row">{name}</th>.*?</tr>', page, re.DOTALL).group()


def attributes(page: str) -> list[tuple[str, str, str]]:
    """Every attribute of the page as tag, name and value."""
    found = []

    class Reader(HTMLParser):
        def handle_starttag(self, tag, attrs):
            found.extend((tag, name, value) for name, value in attrs)

    Reader().feed(page)
    return found


def year(weeks: tuple[str, ...] = WEEKS, changed: dict[str, dict] | None = None) -> Year:
    """A year with the first champion before `weeks` and a refused challenger after; `changed` facts by stage.

    Of the gate's two verdicts only the second is changed.
    """
    changed = changed or {}
    events = [{**event, **changed.get(event["stage"], {})} for week in weeks for event in week_events(week)]
    first = [training("2013-03-25", 1), verdict("2013-03-25", 1, promote=True)]
    last = [training(weeks[-1], 2), {**verdict(weeks[-1], 2, promote=False), **changed.get("gate", {})}]
    return Year(
        months=(period("2013-04", versions=(1,), promoted=1),),
        weeks=tuple(period(week) for week in weeks),
        events=(*first, *events, *last),
        event_log_sha256="a1b2c3",
    )


def week_events(week: str) -> list[dict]:
    feeds = {"schedule": counts(quarantined=2, rules_broken={"rule": 2}), "weather": counts(warnings=["few rows"])}
    return [
        {"stage": "validate", "week": week, "feeds": feeds},
        {"stage": "score", "week": week, "flights": 6500, "version": 1},
        {"stage": "monitor", "week": week, "version": 1, "drift": {"temperature_f": 0.9, "carrier": 0.02}},
        {"stage": "decide", "week": week, "action": "wait", "reason": "quality holds", "window": None},
    ]


def counts(
    landed: int = 100, quarantined: int = 0, rules_broken: dict | None = None, warnings: list | None = None
) -> dict:
    return {
        "landed": landed,
        "accepted": landed - quarantined,
        "quarantined": quarantined,
        "rules_broken": rules_broken or {},
        "warnings": warnings or [],
    }


def training(week: str, version: int) -> dict:
    moments = {"start": "2013-01-01T05:00", "cutoff": "2013-03-18T04:00", "end": "2013-04-01T04:00"}
    return {"stage": "train", "week": week, "version": version, "rows": 65075, "window": "expanding", **moments}


def verdict(week: str, version: int, promote: bool) -> dict:
    measured = {"flights": 12752, "roc_auc": 0.77}
    evidence = {"challenger": measured, "rival": measured, "rival_name": "the base rate"}
    return {
        "stage": "gate",
        "week": week,
        "version": version,
        "decided_on": "2013-04-01",
        "window": "expanding",
        "promote": promote,
        "reason": "log loss 0.43 vs 0.52",
        "checks": [check("ranks better than chance", 0.77, True), check("fresh to both", 3, promote)],
        "evidence": evidence,
    }


def check(name: str, value: float, passed: bool) -> dict:
    return {"name": name, "value": value, "bound": f"bound of {name}", "passed": passed, "sentence": f"{name} says"}


def period(
    name: str,
    live: Quality | None = None,
    frozen: Quality | None = None,
    versions: tuple[int, ...] = (1,),
    promoted: int = 0,
) -> PeriodRow:
    return PeriodRow(
        period=name,
        flights=6500,
        labelled=6400,
        live=live or quality(auc=0.75, log_loss=0.45),
        frozen=frozen or quality(auc=0.73, log_loss=0.47),
        base_rate=quality(auc=0.5, log_loss=0.56),
        cost_per_thousand={"live": 412.4, "frozen": 433.6, "base_rate": 600.0},
        versions=versions,
        promoted=promoted,
        refused=0,
    )


def quality(auc: float | None = 0.75, log_loss: float = 0.45) -> Quality:
    return Quality(flights=6400, late_share=0.24, mean_probability=0.25, roc_auc=auc, log_loss=log_loss, brier=0.15)
