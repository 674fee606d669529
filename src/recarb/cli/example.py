"""`recarb example` and `recarb init`: something to start from."""

from pathlib import Path
from typing import Annotated

import typer

Overwrite = Annotated[bool, typer.Option("--overwrite", help="Replace files that exist.")]


def example(
    folder: Annotated[
        Path,
        typer.Argument(metavar="DIR", help="Folder to write, new or empty.", show_default=False),
    ],
    overwrite: Overwrite = False,
) -> None:
    """Write the synthetic country Tinyland: every input of a run, and run.toml. No download.

    Example:

        recarb example tinyland
    """
    from recarb.sequestration.example import write_example

    run_toml = write_example(folder, overwrite=overwrite)
    typer.echo(f"written: {folder} (SYNTHETIC data, see {folder / 'README.txt'})")
    typer.echo(f"next: recarb check {run_toml}")
    typer.echo(f"then: recarb run {run_toml}")


def init(
    iso3: Annotated[
        str,
        typer.Argument(
            metavar="ISO3", help="Three letters of the country, like URY.", show_default=False
        ),
    ],
    folder: Annotated[
        Path, typer.Argument(metavar="DIR", help="Folder to write run.toml into.")
    ] = Path(),
    overwrite: Overwrite = False,
) -> None:
    """Write a run.toml for a country, with every key there is explained.

    Example:

        recarb init URY uruguay
    """
    from recarb.core.template import write_template

    path = write_template(iso3, folder, overwrite=overwrite)
    typer.echo(f"written: {path}")
    typer.echo(f"next: correct the paths in it, then: recarb check {path}")
