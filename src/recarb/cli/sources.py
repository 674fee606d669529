"""`recarb sources`: what is known of the public data sets."""

from typing import TYPE_CHECKING, Annotated

import typer

from recarb.cli.console import show_table
from recarb.cli.fetch import RegistryOption

if TYPE_CHECKING:
    from recarb.sources.registry import Entry

SAMPLE_COUNTRY = "BTN"  # small, on every map
NOT_AS_WRITTEN = 4  # exit code, as SourceError
ATTEMPTS = 2  # at one server: who verifies wants to know, not to wait
MARKS = {True: "AS WRITTEN", False: "NOT AS WRITTEN", None: "not asked"}

app = typer.Typer(
    help="The public data sets recarb knows: list, show one, ask its server.",
    rich_markup_mode="markdown",
)


@app.callback(invoke_without_command=True)
def sources(
    context: typer.Context,
    as_json: Annotated[bool, typer.Option("--json", help="As JSON, with every fact.")] = False,
    registry: RegistryOption = None,
) -> None:
    """List the public data sets recarb knows.

    *unverified* means: nobody told recarb yet that the live server gives what the entry says.
    `recarb sources verify` asks it.

    Example: `recarb sources`
    """
    if context.invoked_subcommand is not None:
        return
    from recarb.sources.registry import load_registry

    entries = load_registry(registry)
    if as_json:
        import json

        found = [entry.model_dump(mode="json") for entry in entries.values()]
        typer.echo(json.dumps(found, indent=2, ensure_ascii=False))
        return
    from rich.table import Table

    table = Table("id", "data set", "version", "layers", "access", "licence", "verified")
    for entry in entries.values():
        table.add_row(
            entry.id, entry.title, entry.version, ", ".join(entry.roles), entry.access,
            entry.licence, str(entry.verified),
        )  # fmt: skip
    show_table(table)


@app.command("show")
def show(
    source: Annotated[str, typer.Argument(metavar="ID", help="Of a data set.", show_default=False)],
    registry: RegistryOption = None,
) -> None:
    """Show all that is known of one data set, and what of it is unverified.

    Example: `recarb sources show terraclimate`
    """
    from recarb.sources.registry import entry_of, load_registry

    for line in _lines(entry_of(load_registry(registry), source)):
        typer.echo(line)


@app.command("verify")
def verify(
    source: Annotated[
        str | None, typer.Argument(metavar="ID", help="Only this one.", show_default=False)
    ] = None,
    registry: RegistryOption = None,
) -> None:
    """Ask the live servers for a little and say whether they give what the registry says.

    Of whole files the first bytes are asked for. Where a part can be had, a few cells of each layer
    are decoded, and their unit, scale, offset, fill and range compared. Nothing is taken from the
    cache, nor put there.

    Example: `recarb sources verify terraclimate`
    """
    from datetime import UTC, datetime

    from recarb.sources.countries import area_of
    from recarb.sources.line import Line, Policy
    from recarb.sources.registry import entry_of, load_registry
    from recarb.sources.verify import verified_line
    from recarb.sources.verify import verify as ask

    entries = load_registry(registry)
    asked = [entry_of(entries, source)] if source else list(entries.values())
    area = area_of(SAMPLE_COUNTRY)
    wrong = 0
    with Line(Policy(attempts=ATTEMPTS)) as line:
        for entry in asked:
            answers = []
            for answer in ask(entry, area, line):
                answers.append(answer)
                wrong += answer.good is False
                typer.echo(f"{entry.id}: {MARKS[answer.good]}: {answer.url}\n    {answer.told}")
            held = verified_line(entry, answers, datetime.now(UTC).date())
            if held is not None:
                typer.echo(f"{entry.id}: all of it held; its TOML may say\n    {held}")
    if wrong:
        typer.echo(
            f"{wrong} answers are not as the registry says; correct a copy of the entry in a "
            "folder of yours (--registry) and report it",
            err=True,
        )
        raise typer.Exit(NOT_AS_WRITTEN)


def _lines(entry: "Entry") -> list[str]:
    """An entry for people."""
    lines = [
        f"{entry.id}: {entry.title}, version {entry.version}",
        f"verified: {entry.verified}",
        *(f"  rests on general knowledge: {fact}" for fact in entry.unverified),
        f"facts from: {entry.source}",
        f"licence: {entry.licence}",
        f"homepage: {entry.homepage or '-'}",
        f"grid: {entry.grid or '-'}",
        f"years: {_span(entry.years)}",
        *(f"url: {url}" for url in entry.urls),
    ]
    if entry.subset is not None:
        lines += [f"subset service: {url}" for url in entry.subset.urls]
    if entry.stac is not None:
        lines.append(f"STAC: {entry.stac.api}, collection {entry.stac.collection}")
        lines.append(f"assets: {', '.join(entry.stac.assets)}")
    lines += [f"serves: {role} {_choices(values)}".rstrip() for role, values in entry.roles.items()]
    for name, layer in entry.layers.items():
        packing = [
            f"{key} {value:g}"
            for key, value in (
                ("scale", layer.scale), ("offset", layer.offset), ("fill", layer.fill)
            )
            if value is not None
        ]  # fmt: skip
        limits = f"{layer.low:g} to {layer.high:g} {layer.unit}"
        lines.append(f"layer {name}: {', '.join([limits, *packing])}")
    lines += [f"note: {trap}" for trap in entry.traps]
    if entry.fallback:
        lines.append(f"instead of it: {entry.fallback}")
    return [*lines, "cite:", entry.citation.strip()]


def _span(years: tuple[int, int | None] | None) -> str:
    return f"{years[0]} to {years[1] or 'now'}" if years else "-"


def _choices(values: dict[str, tuple[str, ...]]) -> str:
    return "; ".join(f"{name} {', '.join(options)}" for name, options in values.items())
