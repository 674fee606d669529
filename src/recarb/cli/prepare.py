"""`recarb prepare`: from fetched files to layers and run.toml."""

from pathlib import Path
from typing import Annotated

import typer

from recarb.cli.fetch import CacheOption, RegistryOption, layer_pair

CountryArgument = Annotated[
    str,
    typer.Argument(
        metavar="COUNTRY",
        help="Folder with the sources.json of `recarb fetch`, or the three letters.",
        show_default=False,
    ),
]
OwnOption = Annotated[
    list[str] | None,
    typer.Option(
        metavar="LAYER=FILE",
        help="A file of yours: soc, clay, sand, elevation, land_cover, cover or boundary; may be "
        "repeated.",
    ),
]


def prepare(
    country: CountryArgument,
    out: Annotated[
        Path, typer.Option(help="With three letters: folder of ISO3/sources.json, as of fetch.")
    ] = Path("data"),
    own: OwnOption = None,
    unit: Annotated[
        list[str] | None,
        typer.Option(metavar="LAYER=UNIT", help="Of a file of yours whose tags name none."),
    ] = None,
    crosswalk: Annotated[
        str | None,
        typer.Option(help="Table that reads the land cover; a name, or your .csv or .toml."),
    ] = None,
    cover_rules: Annotated[
        Path | None, typer.Option(help="Your copy of cover.toml: how NDVI becomes plant cover.")
    ] = None,
    snap: Annotated[
        bool,
        typer.Option("--snap-to-fao-grid", help="Bring all maps to FAO's 30 arc-second grid."),
    ] = False,
    overwrite: Annotated[
        bool, typer.Option("--overwrite", help="Replace a run.toml that you changed.")
    ] = False,
    cache: CacheOption = None,
    registry: RegistryOption = None,
) -> None:
    """Make layers and run.toml of what `recarb fetch` brought.

    Maps come to the grid of the SOC map, climate stays on its own; units, depths and months are
    settled, and the tags of each file say where it comes from. A second call makes only what
    changed.

    Examples:

        recarb fetch THA && recarb prepare THA && recarb check data/THA/run.toml

        recarb prepare data/THA --own soc=national_soc.tif --unit soc=t/ha

        recarb prepare THA --snap-to-fao-grid
    """
    from recarb.cli.progress import Reporter
    from recarb.sources.cache import Cache, cache_folder
    from recarb.sources.prepare import Options
    from recarb.sources.prepare import prepare as make
    from recarb.sources.registry import load_registry

    named = Path(country)
    folder = named if named.is_dir() else out / country.upper()
    options = Options(
        own={layer: Path(file) for layer, file in (layer_pair(t, "--own") for t in own or [])},
        units=dict(layer_pair(text, "--unit") for text in unit or []),
        crosswalk=crosswalk,
        cover_rules=cover_rules,
        snap=snap,
        overwrite=overwrite,
    )
    with Reporter() as reporter:
        path = make(
            folder,
            Cache(cache_folder(cache)),
            load_registry(registry),
            options,
            tell=typer.echo,
            progress=reporter,
        )
    typer.echo(f"now: recarb check {path}")
