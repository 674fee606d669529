"""`recarb calibrate`: fit numbers of RothC to measured stocks."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

if TYPE_CHECKING:
    from recarb.validation.calibration import Calibration


def calibrate(
    sites: Annotated[
        list[Path],
        typer.Argument(
            metavar="SITE.toml...",
            help="One file per soil: its months, its options, its measured stocks.",
            show_default=False,
        ),
    ],
    fit: Annotated[
        list[str],
        typer.Option(
            metavar="NAME=LOW:HIGH",
            help="A number to fit and its bounds; again for each number.",
            show_default=False,
        ),
    ],
    out: Annotated[Path, typer.Option(help="Lines for run.toml (.toml), with their origin.")],
    overwrite: Annotated[
        bool, typer.Option("--overwrite", help="Replace a file that exists.")
    ] = False,
) -> None:
    """Fit numbers of RothC, or factors on its inputs, to measured stocks of single soils.

    NAME is a number of RothC (k_hum_per_yr, temp_a, ...), rate_factor (all decomposition rates),
    c_input_factor or fym_factor. Each site is left out once and predicted by the others; with one
    site, the last third of its stocks. No run uses the result unless you copy it into run.toml.

    Example: `recarb calibrate barley.toml manure.toml --fit k_hum_per_yr=0.01:0.04 --out fit.toml`
    """
    from recarb.cli.progress import Reporter
    from recarb.core.errors import ConfigError
    from recarb.io.tables import check_writable, written_atomically
    from recarb.validation import calibration, choices, site_file, verdict

    wanted = [choices.parse_choice(text) for text in fit]
    choices.check_choices(wanted)
    check_writable(out, overwrite)
    if len({path.stem for path in sites}) < len(sites):
        raise ConfigError("SITE: expected files of different names, found one name twice")
    loaded = [site_file.load_site(path) for path in sites]
    with Reporter() as reporter:
        done = calibration.calibrate(loaded, wanted, reporter)
    found = verdict.findings(done)
    with written_atomically(out) as part:
        part.write_text(verdict.snippet(done, loaded, found), encoding="utf-8")
    _tell(done)
    for finding in found:
        typer.echo(finding.line())
    typer.echo(f"written: {out}")


def _tell(done: "Calibration") -> None:
    fit = done.fit
    typer.echo(f"{len(fit.stocks.month)} measured stocks")
    for choice, value, low, high in zip(fit.choices, fit.values, fit.low, fit.high, strict=True):
        typer.echo(
            f"  {choice.name}: {value:.5g} (95 % {low:.4g} to {high:.4g}), "
            f"published {choice.published:g}"
        )
    for i, one in enumerate(fit.choices):
        for j, other in enumerate(fit.choices[:i]):
            typer.echo(f"  correlation {other.name}, {one.name}: {fit.correlation[i, j]:+.3f}")
    typer.echo(f"  collinearity of the numbers: {fit.collinearity:.3g} (above 10: not told apart)")
    typer.echo(
        f"RMSE on all stocks: published {done.published_rmse:.3g}, fitted {done.fitted_rmse:.3g} "
        "t C ha-1"
    )
    for fold in done.folds:
        values = ", ".join(f"{name} {value:.4g}" for name, value in fold.values.items())
        typer.echo(
            f"  left out {fold.left_out} ({fold.rows} stocks): published "
            f"{fold.published_rmse:.3g}, fitted without it {fold.left_out_rmse:.3g} ({values})"
        )
    if done.folds:
        typer.echo(
            f"RMSE on stocks left out: published {done.published_left_out_rmse:.3g}, fitted "
            f"{done.left_out_rmse:.3g} t C ha-1"
        )
