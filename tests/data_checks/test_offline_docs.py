"""Data Docs without a network: nothing is fetched, and what scripts would have shown is still there."""

import re
from pathlib import Path

from data_checks.offline_docs import make_offline, offline_page

ROWS = (
    "[{'run_name': '2013-12-30', 'asset_name': 'schedule', '_validation_success_text': 'Failed', "
    "'_table_row_link_path': 'validations/a&b.html'}]"
)
PAGE = f"""<html><head>
<script src="https://code.jquery.com/jquery-3.7.1.min.js"></script>
<link rel="stylesheet" href="https://cdn.example/all.min.css">
<link rel="shortcut icon" href="../static/images/favicon.ico" type="image/x-icon"/>
<style>.navbar a {{ background: url('https://assets.example/logo.png') 0 0 no-repeat; }}</style>
</head><body>
<img class="NO-CACHE" src="https://assets.example/logo-long.png?dataContextId=21f5" alt="Great Expectations"/>
<button onclick="clearTableFilters('rows')">Clear</button><td>distance_miles</td>
<table id="rows"></table>
<script>
  $('#rows').bootstrapTable(Object.assign({{
        data: {ROWS},
  }}));
</script>
<a href="https://greatexpectations.io">Great Expectations</a>
</body></html>"""


def test_nothing_is_fetched_from_another_host_any_more():
    page = offline_page(PAGE, "../../")

    assert re.findall(r"""(?:src=|url\(['"]?)https?:[^"')]*""", page) == []
    assert re.findall(r"<link[^>]*https?:", page) == []
    assert "<script" not in page
    assert "onclick" not in page


def test_pictures_of_the_site_itself_are_found_from_where_the_page_lies():
    page = offline_page(PAGE, "../../")

    assert 'src="../../static/images/logo-long.png"' in page
    assert 'href="../../static/images/favicon.ico"' in page


def test_the_rows_that_a_script_would_have_shown_become_a_table_of_links():
    page = offline_page(PAGE, "")

    assert '<td><a href="validations/a&amp;b.html">2013-12-30</a></td><td>schedule</td><td>Failed</td>' in page


def test_links_that_a_reader_may_follow_stay():
    assert '<a href="https://greatexpectations.io">' in offline_page(PAGE, "")


def test_what_the_page_says_stays():
    assert "<td>distance_miles</td>" in offline_page(PAGE, "")


def test_a_site_is_rewritten_once_with_the_way_to_its_root_from_each_page(tmp_path: Path):
    deep = tmp_path / "validations" / "schedule" / "week.html"
    deep.parent.mkdir(parents=True)
    for path in (tmp_path / "index.html", deep):
        path.write_text(PAGE)

    first, second = make_offline(tmp_path), make_offline(tmp_path)

    assert (first, second) == (2, 0)
    assert 'src="static/' in (tmp_path / "index.html").read_text()
    assert 'src="../../static/' in deep.read_text()
