"""`recarb compare`: two sets of maps, cell by cell."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

if TYPE_CHECKING:
    from recarb.sequestration.compare import Comparison

COLUMNS = {
    "map": "map",
    "cells": "cells",
    "only_in_a": "only A",
    "only_in_b": "only B",
    "implausible_in_a": "odd A",
    "implausible_in_b": "odd B",
    "mean_a": "mean A",
    "mean_b": "mean B",
    "mean_difference": "B - A",
    "rmse": "RMSE",
    "difference_q05": "5 %",
    "difference_q50": "median",
    "difference_q95": "95 %",
    "correlation": "r",
    "within_pct": "equal %",
}


def compare(
    a: Annotated[
        Path, typer.Argument(help="Folder of a run, or of maps CODE_GSOCseq_*.tif.", metavar="A")
    ],
    b: Annotated[Path, typer.Argument(help="The same; differences are B minus A.", metavar="B")],
    out: Annotated[Path, typer.Option(help="Folder of the result.")] = Path("comparison"),
    resample: Annotated[
        bool,
        typer.Option(
            "--resample",
            help="Where grids differ, bring B to the grid of A: mean of smaller cells, else "
            "bilinear. Without it such maps are refused.",
        ),
    ] = False,
    nodata: Annotated[
        list[float] | None,
        typer.Option(help="A further value that means missing, like -999; may be repeated."),
    ] = None,
    tolerance_pct: Annotated[
        float, typer.Option(min=0.0, help="Within so many % of A two values count as equal.")
    ] = 1.0,
    all_values: Annotated[
        bool,
        typer.Option(
            "--all-values",
            help="Compare implausible values too (a stock of 0 or above 800, a rate beyond 4, "
            "...). Without it they are counted and left out.",
        ),
    ] = False,
    pictures: Annotated[
        bool, typer.Option("--pictures/--no-pictures", help="Draw every pair as PNG.")
    ] = True,
    overwrite: Annotated[
        bool, typer.Option("--overwrite", help="Replace an earlier comparison.")
    ] = False,
) -> None:
    """Compare two sets of maps: difference maps, pictures, and a table of statistics.

    Means, quantiles, RMSE and correlation are weighted by the area of the cells.

    Examples:

        recarb compare kenya/out kenya/out_fao_r

        recarb compare kenya/out submitted_2022 --nodata=-999 --out against_2022
    """
    from recarb.cli.progress import Reporter
    from recarb.sequestration.compare import MapPair, Options
    from recarb.sequestration.compare import compare as compare_maps

    def draw(pair: MapPair, folder: Path) -> None:
        from recarb.reports.compare_figures import draw_pair

        draw_pair(pair, folder, (f"A: {a.name}", f"B: {b.name}"))

    options = Options(resample, tuple(nodata or ()), tolerance_pct, all_values)
    with Reporter() as reporter:
        found = compare_maps(
            a,
            b,
            out,
            options,
            overwrite=overwrite,
            pictures=draw if pictures else None,
            progress=reporter,
        )
    _report(found, all_values)


def _report(found: "Comparison", all_values: bool) -> None:
    """Notes, the table for people, and where the rest is."""
    for note in found.notes:
        typer.echo(f"note: {note}", err=True)
    shown = found.table.reindex(columns=list(COLUMNS)).rename(columns=COLUMNS)
    typer.echo(shown.to_string(index=False, na_rep="-", float_format=lambda v: f"{v:.4g}"))
    if not all_values:
        typer.echo("odd: implausible, or a stock of 0; counted and left out of the rest")
    typer.echo(f"differences, pictures, statistics.csv: {found.folder}")
