"""`recarb practices`: the library of practices, and what crops and amendments bring."""

from typing import TYPE_CHECKING, Annotated

import typer

from recarb.cli.console import show_table

if TYPE_CHECKING:
    from recarb.sequestration.practices.library import Practice


SHORT = {"% of the input of BAU": "% of BAU"}

app = typer.Typer(
    help="Practices of soil management and the carbon they bring: list, show one, residues.",
    rich_markup_mode="markdown",
)


@app.callback(invoke_without_command=True)
def practices(
    context: typer.Context,
    as_json: Annotated[bool, typer.Option("--json", help="As JSON, with every fact.")] = False,
) -> None:
    """List the library of practices, for `[[scenarios.practices]]` of run.toml.

    *unverified* means: nobody has read the source of the number yet. A run that uses it stops
    unless run.toml accepts it.

    Example: `recarb practices`
    """
    if context.invoked_subcommand is not None:
        return
    from recarb.sequestration.practices.library import library

    rows = library().values()
    if as_json:
        import json
        from dataclasses import asdict

        typer.echo(json.dumps([asdict(row) for row in rows], indent=2, ensure_ascii=False))
        return
    from rich.table import Table

    table = Table("practice", "what", "brings", "range", "unit", "land use", "quality", "status")
    for row in rows:
        table.add_row(
            row.name, row.title, _number(row.value), _range(row), SHORT.get(row.unit, row.unit),
            ", ".join(map(str, row.land_use)), row.quality(), _status(row),
        )  # fmt: skip
    show_table(table)


@app.command("show")
def show(
    name: Annotated[str, typer.Argument(metavar="NAME", help="Of a practice.", show_default=False)],
) -> None:
    """Show all that is known of one practice, and what of it is unverified.

    Example: `recarb practices show cover-crop`
    """
    from recarb.sequestration.practices.library import practice

    for line in _lines(practice(name)):
        typer.echo(line)


@app.command("residue")
def residue(
    crop: Annotated[str, typer.Argument(metavar="CROP", help="Like wheat.", show_default=False)],
    yield_tdm_ha: Annotated[
        float,
        typer.Option("--yield", help="Of the product [t dry matter ha-1].", show_default=False),
    ],
    kept: Annotated[
        float, typer.Option(min=0.0, max=1.0, help="Share of the residues newly kept [0-1].")
    ] = 1.0,
) -> None:
    """Carbon that kept residues bring, and the whole input of the crop [t C ha-1].

    Example: `recarb practices residue wheat --yield 4.45 --kept 0.5`
    """
    from recarb.sequestration.practices.crops import (
        allocations,
        crop_input,
        residue_carbon,
        sources,
    )

    carbon = residue_carbon(crop, yield_tdm_ha)
    typer.echo(f"residues above ground: {carbon:.2f} t C ha-1 ({sources()['residues']})")
    typer.echo(f"amount_tc_ha_per_yr = {kept * carbon:.2f}   # {kept:.0%} of them newly kept")
    if crop in allocations():
        whole = crop_input(crop, yield_tdm_ha)
        typer.echo(
            f"input of the whole crop: {whole:.2f} t C ha-1 with "
            f"{allocations()[crop].straw_kept:.0%} of the straw ({sources()['allocation']})"
        )


def _lines(row: "Practice") -> list[str]:
    """A practice for people."""
    from recarb.harmonise.landuse_classes import land_use_classes

    classes = land_use_classes()
    brings = {
        "own": "your own number: no one number holds",
        "none": "no carbon input of this model; a scenario with it is refused",
    }.get(row.effect, f"{_number(row.value)} {row.unit}, range {_range(row)}")
    lines = [
        f"{row.name}: {row.title}",
        f"brings: {brings} ({row.status})",
        f"land use: {', '.join(f'{code} {classes[code].name}' for code in row.land_use)}",
        f"quality: {row.quality()} ({row.quality_status or row.status})",
    ]
    if row.fresh_t_ha is not None:
        lines.append(
            f"amendment: {row.fresh_t_ha:g} t ha-1 fresh, {row.dry_matter_pct:g} % dry matter, "
            f"{row.carbon_pct:g} % of it carbon"
        )
    if row.ramp_years > 1:
        lines.append(f"full effect after: {row.ramp_years} years")
    if row.cover:
        lines.append(f"keeps the soil covered: {row.cover}; name them in cover_months")
    lines += [f"source: {row.source}", f"advice: {row.advice}", "", *_toml(row)]
    return lines


def _toml(row: "Practice") -> list[str]:
    """What to write into run.toml."""
    if row.effect == "none":
        return []
    own = ", gain_pct = 5.0" if row.effect == "own" else ""
    return [
        "in run.toml:",
        "[[scenarios]]",
        'name = "PRACTICE"',
        f'practices = [{{ practice = "{row.name}", land_use = [{row.land_use[0]}], '
        f"adoption = 0.3{own} }}]",
    ]


def _number(value: float | None) -> str:
    return "-" if value is None else f"{value:g}"


def _range(row: "Practice") -> str:
    return "-" if row.low is None or row.high is None else f"{row.low:g} to {row.high:g}"


def _status(row: "Practice") -> str:
    if "unverified" not in {row.status, row.quality_status}:
        return "sourced"
    return "unverified" if row.status == "unverified" else "sourced; quality unverified"
