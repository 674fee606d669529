"""`recarb validate`: modelled against measured stocks."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

if TYPE_CHECKING:
    import pandas as pd

    from recarb.validation.maps import FinishedRun, Rules

POINTS, SCORES = "points.csv", "scores.csv"
RESULT_SUFFIX = ".csv"

ObservedArgument = Annotated[
    Path,
    typer.Argument(
        metavar="OBSERVED.csv",
        help="Measured stocks: longitude, latitude, year, soc_tc_ha; also site, month, depth_cm, "
        "sd_tc_ha, weight.",
        show_default=False,
    ),
]
RunArgument = Annotated[
    list[Path],
    typer.Argument(
        metavar="RUN",
        help="The folder of a run or its run.toml, or results of `recarb rothc` (.csv).",
        show_default=False,
    ),
]
DepthOption = Annotated[
    float | None,
    typer.Option(
        metavar="BETA",
        help="Turn stocks of other depths into the run's, share above d cm = 1 - BETA^d "
        "(0.9786: Jobbagy & Jackson 2000) [default: they are left out]",
    ),
]


def validate(
    observed: ObservedArgument,
    run: RunArgument,
    out: Annotated[Path, typer.Option(help="Folder for tables and figures.")],
    scenario: Annotated[str, typer.Option(help="Whose stocks stand after t0.")] = "BAU",
    any_year: Annotated[
        bool,
        typer.Option(
            "--any-year",
            help="Compare stocks outside the run's years, or without one, with its nearer end.",
        ),
    ] = False,
    depth_beta: DepthOption = None,
    resamples: Annotated[
        int, typer.Option(min=0, help="Draws of the bootstrap; 0: no intervals.")
    ] = 9999,
    seed: Annotated[int, typer.Option(min=0, help="Of the draws.")] = 0,
    pictures: Annotated[bool, typer.Option("--pictures/--no-pictures", help="Draw.")] = True,
    overwrite: Annotated[
        bool, typer.Option("--overwrite", help="Replace tables that exist.")
    ] = False,
) -> None:
    """Hold measured stocks against a run's maps, or against results of single soils.

    Every row of OBSERVED.csv stands in points.csv, compared or with the reason why not.

    Example:

        recarb validate points.csv kenya/out --out kenya/validation

        recarb rothc plot7.csv --out runs/plot7.csv ...

        recarb validate measured.csv runs/plot7.csv --out plot7
    """
    from recarb.core.errors import ConfigError, InputError
    from recarb.io.tables import check_writable, write_csv
    from recarb.sequestration.run_folder import writing
    from recarb.validation.maps import Rules
    from recarb.validation.scores import score

    if depth_beta is not None and not 0.0 < depth_beta < 1.0:
        raise ConfigError(f"--depth-beta: expected between 0 and 1, found {depth_beta:g}")
    with writing(out):
        out.mkdir(parents=True, exist_ok=True)
    for name in (POINTS, SCORES):
        check_writable(out / name, overwrite)
    rules = Rules(scenario, any_year, depth_beta)
    table, finished, courses = _compare(observed, run, rules)
    rows = table[table["reason"] == ""]
    _tell_rows(table)
    write_csv(table, out / POINTS, overwrite=overwrite)
    if rows.empty:
        raise InputError(
            f"{observed}: none of {len(table)} measured stocks could be compared; "
            f"{out / POINTS} says why"
        )
    scores = score(rows, resamples, seed)
    write_csv(scores, out / SCORES, overwrite=overwrite)
    _tell_scores(scores)
    drawn = []
    if pictures:
        from recarb.reports.validation_figures import draw_all

        drawn = draw_all(rows, scores, out, finished, courses)
    paths = [out / POINTS, out / SCORES, *drawn]
    typer.echo(f"written: {', '.join(str(path) for path in paths)}")


def _compare(
    observed: Path, run: list[Path], rules: "Rules"
) -> "tuple[pd.DataFrame, FinishedRun | None, dict[str, pd.DataFrame] | None]":
    """The rows, the run they were compared with, and the monthly results by site."""
    from recarb.core.errors import ConfigError
    from recarb.validation.maps import compare_maps, open_run
    from recarb.validation.observed import read_observed
    from recarb.validation.sites import compare_sites, read_result

    at_sites = [path.suffix.lower() == RESULT_SUFFIX for path in run]
    if all(at_sites):
        courses = {path.stem: read_result(path) for path in run}
        if len(courses) < len(run):
            raise ConfigError("RUN: expected results with different names, found one name twice")
        measured = read_observed(observed, with_place=False)
        return compare_sites(measured, courses), None, courses
    if len(run) > 1:
        raise ConfigError(
            f"RUN: expected one run, or one or more results of `recarb rothc` (.csv), found "
            f"{', '.join(str(path) for path in run)}; compare runs one by one"
        )
    finished = open_run(run[0])
    measured = read_observed(observed, with_place=True)
    if not measured.has_depths:
        depth = finished.config.model.depth_cm
        typer.echo(f"note: no column depth_cm: every stock is taken as of 0-{depth:g} cm")
    return compare_maps(measured, finished, rules), finished, None


def _tell_rows(table: "pd.DataFrame") -> None:
    counts = table["reason"].value_counts()
    used = int(counts.get("", 0))
    typer.echo(f"stocks: {used} compared + {len(table) - used} not compared = {len(table)}")
    for reason, count in counts.items():
        if reason:
            typer.echo(f"  not compared: {count} {reason}")
    rows = table[table["reason"] == ""]
    if "row" in rows and (shared := len(rows) - len(rows[["row", "column"]].drop_duplicates())):
        typer.echo(f"note: {shared} stocks share their cell with another one")
    sd = rows["sd_tc_ha"].dropna()
    if sd.size:
        own = float((sd**2).mean() ** 0.5)
        typer.echo(f"note: the measurements' own sd alone gives an RMSE of {own:.3g} t C ha-1")


def _tell_scores(scores: "pd.DataFrame") -> None:
    from recarb.validation.metrics import METRICS

    titles = {metric.key: metric.title for metric in METRICS}
    shown = scores.assign(
        measure=scores["metric"].map(titles),
        value=scores["value"].map("{:.3f}".format),
        interval=[
            "" if low != low else f"{low:.3f} to {high:.3f}"  # noqa: PLR0124 - NaN
            for low, high in zip(scores["low"], scores["high"], strict=True)
        ],
    )
    if scores["low"].isna().all():
        typer.echo("note: no intervals (fewer than five sites, or --resamples 0)")
    for (group, rows, sites), part in shown.groupby(["group", "rows", "sites"], sort=False):
        typer.echo(f"\n{group}: {rows} stocks of {sites} site(s)")
        table = part[["measure", "value", "interval", "unit"]]
        typer.echo(table.rename(columns={"interval": "95 %"}).to_string(index=False))
