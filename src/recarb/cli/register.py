"""The list of commands; one module each."""

import typer

from recarb.cli import rothc, run


def commands(app: typer.Typer) -> None:
    """Add every command to the application."""
    app.command("check")(run.check)
    app.command("run")(run.run)
    app.command("rothc")(rothc.rothc)
