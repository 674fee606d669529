"""The list of commands; one module each."""

import typer

from recarb.cli import example, rothc, run


def commands(app: typer.Typer) -> None:
    """Add every command to the application."""
    app.command("example")(example.example)
    app.command("init")(example.init)
    app.command("check")(run.check)
    app.command("run")(run.run)
    app.command("rothc")(rothc.rothc)
