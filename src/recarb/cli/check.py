"""`recarb check`."""

import math
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from recarb.cli.console import show_table
from recarb.cli.run import ConfigArgument

if TYPE_CHECKING:
    from recarb.core.config import RunConfig
    from recarb.core.findings import Finding
    from recarb.sequestration.checks import CheckReport
    from recarb.sequestration.estimate import Estimate
    from recarb.sequestration.layer_checks import LayerSummary


def check(
    config: ConfigArgument,
    as_json: Annotated[
        bool, typer.Option("--json", help="Print everything as JSON; no page, unless --page.")
    ] = False,
    page: Annotated[
        Path | None,
        typer.Option(
            metavar="FILE.html",
            help="Where the page goes; its maps also as .png [default: run_check.html beside "
            "run.toml]",
        ),
    ] = None,
    no_page: Annotated[bool, typer.Option("--no-page", help="Write no page.")] = False,
) -> None:
    """Check every input of a run and print all findings at once.

    A page with maps and histograms of all layers goes beside run.toml. Exit code 0: ready to run;
    2: run.toml is wrong; 3: the inputs are, or look, wrong.

    Examples:

        recarb check tinyland/run.toml

        recarb check tinyland/run.toml --json --page report/tinyland.html
    """
    from recarb.cli.progress import Reporter
    from recarb.core.config import load_config
    from recarb.core.findings import raise_if_stopping, stopping
    from recarb.sequestration.checks import check_run
    from recarb.sequestration.estimate import estimate
    from recarb.sequestration.next_steps import next_steps

    settings = load_config(config)
    target = None if no_page or (as_json and page is None) else page or _beside(config)
    with Reporter() as reporter:
        report = check_run(settings, reporter, look=True)
        expected = estimate(report, settings)
        steps = next_steps(settings, config)
        if target is not None:
            reporter(0, 1, "drawing")
            target = _write_page(target, report, settings, expected, steps)
    if as_json:
        _print_json(report, expected, steps, target)
    else:
        stops = stopping(report.findings, settings.accept)
        _print_report(report, settings, expected, stops)
        for line in steps:
            typer.echo(line)
        if target is not None:
            typer.echo(f"page: {target}")
    raise_if_stopping(report.findings, settings.accept)
    typer.echo("ready to run", err=as_json)


def _beside(config: str) -> Path:
    """`run_check.html` beside run.toml, or in this folder if that lies behind a URL."""
    from recarb.core.paths import parse_path

    path = parse_path(config)
    name = f"{path.stem}_check.html"
    return path.parent / name if isinstance(path, Path) else Path(name)


def _write_page(
    target: Path,
    report: "CheckReport",
    settings: "RunConfig",
    expected: "Estimate | None",
    steps: list[str],
) -> Path | None:
    """The page; None where no layer could be opened, so that there is nothing to show."""
    if not report.layers:
        return None
    from recarb.reports.check_page import write_check_page

    return write_check_page(target, report, settings, expected, tuple(steps))


def _print_json(
    report: "CheckReport", expected: "Estimate | None", steps: list[str], page: Path | None
) -> None:
    import json
    from dataclasses import asdict

    content = {
        "layers": [_plain(asdict(row)) for row in report.layers],
        "land_cover_codes": report.codes,
        "findings": [finding.record() for finding in report.findings],
        "estimate": None if expected is None else expected.record(),
        "next_steps": steps,
        "page": None if page is None else str(page),
    }
    typer.echo(json.dumps(content, indent=2, allow_nan=False))


def _plain(row: dict[str, Any]) -> dict[str, Any]:
    """JSON has no NaN: what is not known is null."""
    return {
        key: None if isinstance(value, float) and not math.isfinite(value) else value
        for key, value in row.items()
    }


def _print_report(
    report: "CheckReport",
    settings: "RunConfig",
    expected: "Estimate | None",
    stops: "list[Finding]",
) -> None:
    if report.layers:
        _print_layers(report.layers)
    _print_codes(report.codes, settings)
    for finding in report.findings:
        if finding not in stops:  # those are in the error that follows
            typer.echo(finding.line())
    if expected is not None:
        typer.echo(expected.line)


def _print_layers(layers: "list[LayerSummary]") -> None:
    from rich.box import SIMPLE_HEAD
    from rich.table import Table

    table = Table(title="layers", box=SIMPLE_HEAD, padding=(0, 1, 0, 0), pad_edge=False)
    texts = {
        "layer": "key",
        "file": "file",
        "version": "version",
        "unit of the file": "unit",
        "from": "unit_from",
        "cell": "resolution",
        "bands": "bands",
        "values in": "values_in",
    }
    numbers = {
        "min": "low",
        "mean": "mean",
        "max": "high",
        "missing %": "missing_pct",
        "covers %": "covers_pct",
    }
    for column in (*texts, *numbers):
        table.add_column(column, overflow="fold")
    for row in layers:
        values = vars(row)
        table.add_row(
            *(str(values[key]) for key in texts.values()),
            *(_number(values[key]) for key in numbers.values()),
        )
    show_table(table)


def _number(value: float) -> str:
    return "" if value != value else f"{value:.4g}"  # noqa: PLR0124 - NaN


def _print_codes(codes: dict[str, dict[int, int]], settings: "RunConfig") -> None:
    from recarb.harmonise.crosswalk import load_crosswalk
    from recarb.harmonise.landuse_classes import land_use_classes

    for key, counts in codes.items():
        choice = getattr(settings.inputs, key)
        crosswalk = load_crosswalk(choice.crosswalk, options=choice.options)
        typer.echo(f"{key} read with {crosswalk.name}:")
        for code, cells in sorted(counts.items()):
            to = crosswalk.classes.get(code)
            name = land_use_classes()[to].name if to else "no land use"
            typer.echo(f"  {code:>4} -> {to or '-':>2} {name}: {cells:,} cells of that map")
