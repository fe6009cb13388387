"""Categories with many levels, made comparable: rare levels are grouped, so that a handful of flights is no drift."""

import polars as pl

OTHER = "other"
LEAST_SHARE = 0.01


def common_levels(reference: pl.Series, least_share: float = LEAST_SHARE) -> list[str]:
    """The levels that make up at least so large a share of the reference window, in order of their names.

    >>> common_levels(pl.Series("carrier", ["UA"] * 98 + ["HA", "OO"]), 0.02)
    ['UA']
    """
    counts = reference.drop_nulls().value_counts()
    common = counts.filter(pl.col("count") >= least_share * pl.col("count").sum())
    return sorted(common[reference.name].to_list())


def group_rare_levels(
    reference: pl.DataFrame, current: pl.DataFrame, categorical: tuple[str, ...]
) -> tuple[pl.DataFrame, pl.DataFrame]:
    """Both windows, with levels that are rare in the reference, or new since, as `other`; missing stays missing."""
    grouped = [
        pl.when(pl.col(name).is_null() | pl.col(name).is_in(common_levels(reference[name])))
        .then(pl.col(name))
        .otherwise(pl.lit(OTHER))
        .alias(name)
        for name in categorical
    ]
    return reference.with_columns(grouped), current.with_columns(grouped)
