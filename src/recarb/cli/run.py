"""`recarb run`."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from recarb.cli import STOPPED, tell

if TYPE_CHECKING:
    import pandas as pd

    from recarb.core.config import RunConfig

ConfigArgument = Annotated[
    str, typer.Argument(help="run.toml of the country: a path or a URL", show_default=False)
]
SisNames = Annotated[
    bool,
    typer.Option("--sis-names", help="Also write the maps under the information-system names."),
]
Draws = Annotated[
    int | None,
    typer.Option(metavar="DRAWS", help="Also draw the inputs so often, for every cell."),
]
Pictures = Annotated[bool, typer.Option("--pictures/--no-pictures", help="Draw every map as PNG.")]
Workers = Annotated[
    int | None,
    typer.Option(min=1, help="Compute on so many processes of this machine (dask)."),
]
Scheduler = Annotated[
    str | None, typer.Option(metavar="ADDRESS", help="Compute on a dask cluster that runs.")
]
DaskReport = Annotated[
    Path | None, typer.Option(metavar="FILE.html", help="Write dask's performance report.")
]


def run(
    config: ConfigArgument,
    overwrite: Annotated[
        bool, typer.Option("--overwrite", help="Replace an earlier run in the output folder.")
    ] = False,
    fresh: Annotated[
        bool, typer.Option("--fresh", help="Start anew: do not go on from an interrupted run.")
    ] = False,
    sis_names: SisNames = False,
    threads: Annotated[
        int | None,
        typer.Option(min=1, help="Tiles computed at once [default: one for each core]"),
    ] = None,
    memory: Annotated[
        str | None,
        typer.Option(
            metavar="SIZE",
            help="What the run may take, like 2GiB [default: half of the machine's memory]",
        ),
    ] = None,
    monte_carlo: Draws = None,
    pictures: Pictures = True,
    workers: Workers = None,
    scheduler: Scheduler = None,
    dask_report: DaskReport = None,
    point: Annotated[
        str | None,
        typer.Option(metavar="LON,LAT", help="Run one cell only and write its whole trajectory."),
    ] = None,
    plot: Annotated[bool, typer.Option("--plot", help="With --point: also draw it (PNG).")] = False,
    out: Annotated[
        Path | None,
        typer.Option(help="With --point: the CSV to write [default: point_LON_LAT.csv]"),
    ] = None,
) -> None:
    """Run the whole protocol: 29 maps, diagnostics, flags, summary, provenance, pictures.

    A run that was stopped goes on when the same command is given again.

    Examples:

        recarb run tinyland/run.toml

        recarb run kenya/run.toml --threads 2 --memory 1.5GiB

        recarb run tinyland/run.toml --monte-carlo 1000

        recarb run kenya/run.toml --workers 4 --dask-report report.html

        recarb run s3://bucket/kenya/run.toml --scheduler tcp://host:8786

        recarb run tinyland/run.toml --point=-29.604,40.296 --plot
    """
    from recarb.core.config import load_config

    settings = load_config(config)
    if point is not None:
        _run_point(settings, point, plot, out, draws=monte_carlo)
        return
    if monte_carlo is not None:
        settings = settings.with_draws(monte_carlo)
    from recarb.sequestration.cluster import Cluster
    from recarb.sequestration.plan import parse_memory

    asked = scheduler or workers or dask_report
    options = {
        "overwrite": overwrite,
        "fresh": fresh,
        "sis_names": sis_names,
        "threads": threads,
        "memory_bytes": None if memory is None else parse_memory(memory),
        "cluster": Cluster(scheduler, workers, dask_report) if asked else None,
    }
    try:
        _run_country(settings, options, pictures)
    except KeyboardInterrupt as stop:
        tell("stopped by the user; nothing half-done stands under the output folder's name", stop)
        raise typer.Exit(STOPPED) from stop


def _run_country(settings: "RunConfig", options: dict[str, Any], pictures: bool) -> None:
    from recarb.cli.progress import Reporter
    from recarb.reports.figures import FOLDER, OVERVIEW, draw_maps
    from recarb.sequestration import pipeline

    with Reporter() as reporter:

        def draw(folder: Path) -> Path:
            return draw_maps(folder, settings, reporter)

        report = pipeline.run(
            settings, pictures=draw if pictures else None, progress=reporter, **options
        )
    for finding in report.findings:
        typer.echo(finding.line(), err=True)
    for line in report.ledger.lines():
        typer.echo(line)
    typer.echo(_totals(report.summary))
    for line in _uncertain_totals(report.uncertain_totals, settings):
        typer.echo(line)
    typer.echo(f"maps, summary.csv and provenance.json: {report.folder}")
    if pictures:
        typer.echo(f"pictures: {report.folder / FOLDER / OVERVIEW} and others")


def _totals(table: "pd.DataFrame") -> str:
    """The national rows of the summary, for people."""
    country = table[table["level"] == "country"]
    columns = {
        "scenario": "scenario",
        "mean_final_soc_tc_ha": "final SOC [t C/ha]",
        "mean_asr_tc_ha_per_yr": "ASR [t C/ha/yr]",
        "mean_rsr_tc_ha_per_yr": "RSR [t C/ha/yr]",
        "total_rsr_mt_c_per_yr": "RSR [Mt C/yr]",
        "total_rsr_mt_co2e_per_yr": "RSR [Mt CO2e/yr]",
    }
    if country.empty:
        return "no cell was modelled"
    area = country["area_ha"].iloc[0]
    shown = country[list(columns)].rename(columns=columns)
    body = shown.to_string(index=False, float_format=lambda value: f"{value:.4g}")
    return f"modelled area: {area:,.0f} ha\n{body}"


def _uncertain_totals(table: "pd.DataFrame | None", settings: "RunConfig") -> list[str]:
    """The national rows of totals_uncertainty.csv for people, each with its assumption.

    What is not known of the gain is not known anywhere, so its error does not cancel over cells:
    of the rows with the same gain everywhere, the last is the one to report (monte_carlo.md).
    """
    if table is None or table.empty:
        return []
    name = f"RSR_{settings.ssm_scenario}" if settings.ssm_scenario else "ASR_BAU"
    country = table[(table["level"] == "country") & (table["quantity"] == name)]
    to_report = country.index[country["same_gain"].astype(bool)][-1:]
    lines = [f"{name} of the country [Mt C/yr], 95 % interval, if"]
    return lines + [
        f"  {row.assumption}: {row.total:.4g} ({row.low_95:.4g} to {row.high_95:.4g})"
        + ("  <- report this one" if row.Index in to_report else "")
        for row in country.itertuples()
    ]


def _run_point(
    settings: "RunConfig", point: str, plot: bool, out: Path | None, draws: int | None
) -> None:
    from recarb.core.errors import ConfigError
    from recarb.io.tables import write_csv
    from recarb.sequestration.point import trajectory

    if draws is not None:
        raise ConfigError(
            "--point tells one course of one cell, --monte-carlo draws many for every cell of the "
            "maps: leave one of them out"
        )
    try:
        lon, lat = (float(part) for part in point.split(","))
    except ValueError as error:
        raise ConfigError(
            f"--point wants LON,LAT in degrees, like 21.4,41.6; came {point!r}"
        ) from error
    found = trajectory(settings, lon, lat)
    path = out or Path(f"point_{lon:g}_{lat:g}.csv")
    write_csv(found.months, path)
    typer.echo(f"cell at row {found.row}, column {found.column}:")
    for name, value in found.facts.items():
        typer.echo(f"  {name} = {value:.4g}")
    ends = found.months.groupby(["phase", "scenario"], sort=False)["soc_tc_ha"].last()
    typer.echo(ends.rename("SOC at the end [t C/ha]").to_string(float_format=lambda v: f"{v:.3f}"))
    typer.echo(f"every month: {path}")
    if plot:
        from recarb.reports.point_figures import draw_trajectory

        typer.echo(f"picture: {draw_trajectory(found, path.with_suffix('.png'))}")
