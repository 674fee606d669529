"""`python -m bench`: run the benchmarks, keep the results, print one table."""

import tempfile
from contextlib import nullcontext
from importlib import import_module
from pathlib import Path
from typing import Annotated

import typer

from bench.asked import Asked
from bench.measure import machine
from bench.report import print_table, write_page
from bench.results import Record, append

MODULES = {
    "io_floor": "bench.io_floor",
    "start_up": "bench.start_up",
    "country": "bench.country_run",
    "world": "bench.world_run",
    "peers": "bench.peers",
    "kernel": "bench.kernel",
    "inputs": "bench.inputs_load",
    "monte_carlo": "bench.monte_carlo",
}
ALONE = "io_floor"  # country measures it too
WITHOUT_NAMES = tuple(name for name in MODULES if name != ALONE)


def main(
    names: Annotated[list[str] | None, typer.Argument(help=" | ".join(MODULES))] = None,
    full: Annotated[bool, typer.Option("--full", help="The sizes of the targets.")] = False,
    cells: Annotated[
        list[int] | None, typer.Option(min=1_000, help="A size; may be given several times.")
    ] = None,
    repeats: Annotated[int, typer.Option(min=1, help="Repeats; the median counts.")] = 3,
    work: Annotated[
        Path | None,
        typer.Option(
            help="Folder where cases are kept and used again; by default one that is removed."
        ),
    ] = None,
    keep: Annotated[bool, typer.Option(help="Add the results to bench/results.")] = True,
    docs: Annotated[
        bool, typer.Option("--docs", help="Only write the page and its plots from bench/results.")
    ] = False,
) -> None:
    """Benchmarks of recarb on synthetic cases; without names all of them, small."""
    if docs:
        write_page()
        return
    if unknown := sorted(set(names or ()) - set(MODULES)):
        raise typer.BadParameter(f"{', '.join(unknown)}: there is {', '.join(MODULES)}")
    machine()  # the commit that is measured, not one made meanwhile
    found: list[Record] = []
    with nullcontext(work) if work else tempfile.TemporaryDirectory(prefix="recarb-") as folder:
        for name in names or WITHOUT_NAMES:
            typer.echo(f"measuring {name}", err=True)
            records = import_module(MODULES[name]).measured(
                Asked(Path(folder), full=full, cells=tuple(cells or ()), repeats=repeats)
            )
            found += records
            if keep:  # at once: a later benchmark may fail
                append(records)
    print_table(found)


if __name__ == "__main__":
    typer.run(main)
