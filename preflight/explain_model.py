"""`explain model`: what a version listens to, as tables and as a page."""

from infra.settings import Settings
from pipelines.context import open_context
from pipelines.model_story import STEPS, tell_model, write_page
from pipelines.scoring import NoChampion
from preflight import show

_MOST = 12


def model(settings: Settings, version: int | None, days: int | None, as_json: bool) -> None:
    """Measure a version, or the champion, and write its page."""
    context = open_context(settings)
    if not context.journal.events("gate"):
        raise NoChampion(f"nothing has been trained under {settings.home}; run: preflight replay")
    with context.store.exclusively(), show.progress(STEPS, "measured") as done:
        story = tell_model(context, version or context.champion(), days, done)
        page = write_page(context, story)
    if not as_json:
        _print(story)
    show.finish(f"{outcome(story)}; open {page}", {**story, "page": str(page)}, as_json)


def outcome(story: dict) -> str:
    """What matters most, in one line."""
    groups = {kind: story[kind]["groups"][0]["name"] for kind in ("contributions", "permutation")}
    audit, learned = story["audit"], story["learned_from"]
    return (
        f"version {story['version']} is moved most by {groups['contributions']} and worth most by "
        f"{groups['permutation']} on {story['flights']:,} flights of {story['days']} days, {learned:.0%} of which it "
        f"learned from; path attribution and Shapley values name the same strongest group in {audit['top_group']:.0%} "
        f"of {audit['flights']}"
    )


def _print(story: dict) -> None:
    for level in ("groups", "features"):
        for kind, heading, unit in (
            ("contributions", "what moves the answers", "mean |log-odds|"),
            ("permutation", "what the answers are worth by it", "rise of log loss"),
        ):
            rows = [
                (one["name"], f"{one['mean']:.4f}", f"{one['lower']:.4f}", f"{one['upper']:.4f}")
                for one in story[kind][level][:_MOST]
            ]
            columns = {level[:-1]: "left", unit: "right", "from": "right", "to": "right"}
            show.table(f"{level.capitalize()}: {heading}, {story['confidence']:.0%} intervals", columns, rows)
    show.table(
        "Partial dependence: mean probability between the first and last decile",
        {"feature": "left", "lowest": "right", "at": "right", "highest": "right", "at ": "right"},
        [_between_deciles(one) for one in story["dependence"]],
    )
    audit = story["audit"]
    facts = [
        ("flights, background", f"{audit['flights']}, {audit['background']}"),
        ("same strongest group", f"{audit['top_group']:.1%}"),
        ("same sign of it", f"{audit['top_sign']:.1%}"),
        ("rank correlation in a flight", f"{audit['rank_correlation']:.3f}"),
        ("correlation over all", f"{audit['correlation']:.3f}"),
    ]
    columns = {"what": "left", "found": "right"}
    show.table("Audit: path attribution beside exact Shapley values of groups", columns, facts)


def _between_deciles(one: dict) -> tuple:
    """The lowest and the highest answer where flights lie, and the values at which they are given."""
    pairs = list(zip(one["values"], one["means"], strict=True))
    if one["deciles"]:
        seen = [pair for pair in pairs if one["deciles"][0] <= pair[0] <= one["deciles"][-1]] or pairs
    else:
        seen = [pair for pair, share in zip(pairs, one["shares"], strict=True) if share]
    low, high = min(seen, key=lambda pair: pair[1]), max(seen, key=lambda pair: pair[1])
    return one["feature"], f"{low[1]:.3f}", _told(low[0]), f"{high[1]:.3f}", _told(high[0])


def _told(value: float | str) -> str:
    return value if isinstance(value, str) else f"{value:.4g}"
