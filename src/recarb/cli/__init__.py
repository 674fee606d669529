"""The command line: parses, calls one function, prints. No science.

Each command imports what it needs when it runs, so that `recarb --help` answers at once.
"""

import sys
from typing import NoReturn

import typer

from recarb.core.errors import RecarbError

STOPPED = 130  # what shells give for Ctrl-C

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
        tell(f"error: {error}", error)
        sys.exit(error.exit_code)
    except KeyboardInterrupt:
        sys.exit(STOPPED)
    sys.exit(0)


def tell(message: str, error: BaseException) -> None:
    """Print a message and the notes of its error, such as what was kept."""
    for line in (message, *getattr(error, "__notes__", ())):
        typer.echo(line, err=True)
