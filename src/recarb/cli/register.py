"""The list of commands; one module each."""

import typer

from recarb.cli import (
    calibrate,
    check,
    cite,
    example,
    fetch,
    prepare,
    rothc,
    run,
    sources,
    validate,
)


def commands(app: typer.Typer) -> None:
    """Add every command to the application."""
    app.command("example")(example.example)
    app.command("init")(example.init)
    app.add_typer(sources.app, name="sources")
    app.command("fetch")(fetch.fetch)
    app.command("prepare")(prepare.prepare)
    app.command("check")(check.check)
    app.command("run")(run.run)
    app.command("cite")(cite.cite)
    app.command("rothc")(rothc.rothc)
    app.command("validate")(validate.validate)
    app.command("calibrate")(calibrate.calibrate)
