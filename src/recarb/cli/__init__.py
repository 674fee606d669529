"""The command line: parses, calls one function, prints. No science.

Each command imports what it needs when it runs, so that `recarb --help` answers at once.
"""

import sys
from typing import NoReturn

import typer

from recarb.core.errors import RecarbError

app = typer.Typer(
    name="recarb",
    help="Soil organic carbon sequestration maps (GSOCseq) with RothC, on a laptop.",
    no_args_is_help=True,
    rich_markup_mode="markdown",
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"]},
)


def main() -> NoReturn:
    """Run the command line; a RecarbError becomes one message and its exit code."""
    from recarb.cli import register

    register.commands(app)
    try:
        app()
    except RecarbError as error:
        typer.echo(f"error: {error}", err=True)
        sys.exit(error.exit_code)
    except KeyboardInterrupt:
        typer.echo("stopped by the user; nothing half-written stands under a final name", err=True)
        sys.exit(130)
    sys.exit(0)
