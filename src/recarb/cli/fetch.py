"""`recarb fetch`: public data of a country into the cache."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

if TYPE_CHECKING:
    from collections.abc import Sequence

    from recarb.core.errors import SourceError
    from recarb.sources.base import Area, Fetched, Wanted
    from recarb.sources.cache import Cache
    from recarb.sources.fetch import Fetcher
    from recarb.sources.plan import Choice
    from recarb.sources.registry import Entry

BYTES_PER_MB = 1e6
RegistryOption = Annotated[
    Path | None, typer.Option(help="Folder of your own registry entries (or RECARB_REGISTRY).")
]
CacheOption = Annotated[
    Path | None,
    typer.Option(help="Folder of the cache (or RECARB_CACHE_DIR).", show_default=False),
]


CountryArgument = Annotated[
    str,
    typer.Argument(
        metavar="ISO3", help="Three letters of the country, like THA.", show_default=False
    ),
]
OutOption = Annotated[
    Path, typer.Option(help="Folder for ISO3/sources.json, which names every file.")
]
WithOption = Annotated[
    list[str] | None,
    typer.Option(
        "--with",
        metavar="LAYER",
        help="Also ndvi, sand, soc_quantiles, clay_quantiles, provinces, districts, scenario or "
        "normals; may be repeated.",
    ),
]
SourceOption = Annotated[
    list[str] | None,
    typer.Option(
        metavar="LAYER=ID", help="Another data set, like climate=cru_ts; none: leave it out."
    ),
]
YearsOption = Annotated[
    list[str] | None,
    typer.Option(metavar="LAYER=YEARS", help="climate=1981-2020, land_cover=2000,2020."),
]
BoundaryOption = Annotated[
    Path | None, typer.Option(help="Your boundary file: says what is fetched, and bounds the run.")
]
BoxOption = Annotated[str | None, typer.Option(metavar="W,S,E,N", help="The box itself [degrees].")]
ListOption = Annotated[
    bool, typer.Option("--list", help="Say what would be fetched and how big; fetch nothing.")
]
OfflineOption = Annotated[bool, typer.Option("--offline", help="Use the cache, ask no server.")]
DropInOption = Annotated[
    Path | None,
    typer.Option(help="Folder of files you have: known by name, checked like any other."),
]
PackOption = Annotated[
    Path | None, typer.Option(help="Then write all files into this zip, to carry away.")
]
PrepareOption = Annotated[
    bool, typer.Option("--prepare", help="Then make layers and run.toml, as `recarb prepare` does.")
]
WholeOption = Annotated[
    bool,
    typer.Option(
        "--whole", help="Take the yearly files of the world, where a service would cut out a part."
    ),
]
UnpackOption = Annotated[
    Path | None, typer.Option(help="First take the files of such a zip into the cache.")
]


def fetch(
    iso3: CountryArgument,
    out: OutOption = Path("data"),
    add: WithOption = None,
    source: SourceOption = None,
    years: YearsOption = None,
    boundary: BoundaryOption = None,
    box: BoxOption = None,
    show: ListOption = False,
    offline: OfflineOption = False,
    drop_in: DropInOption = None,
    pack: PackOption = None,
    unpack: UnpackOption = None,
    whole: WholeOption = False,
    prepare: PrepareOption = False,
    cache: CacheOption = None,
    registry: RegistryOption = None,
) -> None:
    """Fetch public data of a country: SOC, clay, climate, land cover, boundary.

    Files go into a cache that all countries share; each is checked down to its last cell before
    it gets its name there. What broke off is gone on with when you call again.

    Examples:

        recarb fetch THA --list

        recarb fetch THA --prepare && recarb run data/THA/run.toml

        recarb fetch THA --source climate=cru_ts --with ndvi

        recarb fetch THA --pack tha.zip

        recarb fetch THA --unpack tha.zip --offline
    """
    from recarb.sources.cache import Cache, cache_folder
    from recarb.sources.countries import area_of
    from recarb.sources.fetch import Fetcher, joined
    from recarb.sources.line import Line
    from recarb.sources.plan import choose, plan_what_answers
    from recarb.sources.registry import load_registry

    area = area_of(iso3, boundary, box)
    named = dict(layer_pair(text, "--source") for text in source or [])
    own = {} if boundary is None or "boundary" in named else {"boundary": boundary}
    named |= dict.fromkeys(own, "none")
    chosen = choose(_uncut(load_registry(registry), whole), named, add or [])
    store = Cache(cache_folder(cache))
    if unpack is not None:
        _unpack(store, unpack)
    with Line() as line:
        fetcher = Fetcher(store, line, offline=offline, drop_in=drop_in, tell=_note)
        choices, failed = plan_what_answers(chosen, area, fetcher, _years(years or []))
        _show(choices, store)
        for role in failed:
            entry = chosen[role]
            typer.echo(f"{role}: {entry.title} [{entry.id}]: its catalogue gave no answer")
        errors = list(failed.values())
        fetched = [] if show else _bring(fetcher, choices, errors)
    if errors:
        raise joined(errors)
    if show:
        return
    _finish(area, choices, fetched, out, own)
    if pack is not None:
        _pack(store, fetched, pack, chosen)
    folder = out / area.iso3
    if prepare:
        from recarb.cli.prepare import prepare as make_layers

        make_layers(str(folder), out=out, cache=cache, registry=registry)
    made = "" if prepare else f"{_prepare_command(folder, chosen, cache, registry)} && "
    typer.echo(f"next: {made}recarb run {_word(folder / 'run.toml')}")


def _uncut(registry: "dict[str, Entry]", whole: bool) -> "dict[str, Entry]":
    """The registry; for --whole without the services that cut out a part."""
    if not whole:
        return registry
    return {key: one.model_copy(update={"subset": None}) for key, one in registry.items()}


def _prepare_command(
    folder: Path, chosen: "dict[str, Entry]", cache: Path | None, registry: Path | None
) -> str:
    """What makes layers of the files just fetched, from the same cache."""
    words = ["recarb prepare", _word(folder)]
    words += [f"--own {role}=FILE" for role in ("soc", "clay", "land_cover") if role not in chosen]
    named = (("--cache", cache), ("--registry", registry))
    return " ".join([*words, *(f"{option} {_word(path)}" for option, path in named if path)])


def _word(path: Path) -> str:
    return f'"{path}"' if " " in str(path) else str(path)


def layer_pair(text: str, option: str) -> tuple[str, str]:
    """Layer and value of LAYER=VALUE."""
    from recarb.core.errors import ConfigError

    name, sign, value = text.partition("=")
    if not sign or not value:
        raise ConfigError(f"{option}: expected LAYER=VALUE, came {text!r}")
    return name.strip(), value.strip()


def _years(texts: list[str]) -> dict[str, list[int]]:
    """Years by layer, from LAYER=FIRST-LAST or LAYER=YEAR,YEAR."""
    from recarb.core.errors import ConfigError

    found = {}
    for text in texts:
        layer, value = layer_pair(text, "--years")
        first, sign, last = value.partition("-")
        try:
            years = (
                list(range(int(first), int(last) + 1))
                if sign
                else [int(part) for part in value.split(",")]
            )
        except ValueError:
            years = []
        if not years:
            raise ConfigError(f"--years: expected LAYER=FIRST-LAST or LAYER=2000,2020, came {text}")
        found[layer] = years
    return found


def _note(text: str) -> None:
    typer.echo(text, err=True)


def _bring(
    fetcher: "Fetcher", choices: "Sequence[Choice]", errors: "list[SourceError]"
) -> "list[Fetched]":
    """Every file that is known of; what went wrong joins the errors of dead catalogues."""
    from recarb.cli.transfer import TransferReporter, missing_sizes
    from recarb.core.errors import SourceError

    wanted = [one for choice in choices for one in choice.wanted]
    with TransferReporter(missing_sizes(wanted, fetcher.cache)) as reporter:
        fetcher.transfer = reporter
        try:
            return fetcher.fetch_all(wanted)
        except SourceError as error:
            errors.append(error)
            return []


def _show(choices: "Sequence[Choice]", store: "Cache") -> None:
    """What is wanted, how big it is at most, and how much of it is here."""
    for choice in choices:
        entry = choice.entry
        here = [found for one in choice.wanted if (found := store.find(one))]
        mark = "" if entry.verified != "unverified" else "; registry entry unverified"
        typer.echo(
            f"{choice.role}: {entry.title} {entry.version} [{entry.id}], {entry.licence}{mark}"
        )
        typer.echo(
            f"    {len(choice.wanted)} files, {_size(choice.wanted)}; {len(here)} in the cache"
        )


def _size(wanted: "Sequence[Wanted]") -> str:
    from recarb.cli.transfer import about_bytes

    sizes = [about_bytes(one) for one in wanted]
    known = [size for size in sizes if size is not None]
    if not known:
        return "size unknown"
    rest = "" if len(known) == len(sizes) else f" and {len(sizes) - len(known)} of unknown size"
    return f"at most about {sum(known) / BYTES_PER_MB:.1f} MB{rest}"


def _finish(
    area: "Area",
    choices: "Sequence[Choice]",
    fetched: "Sequence[Fetched]",
    out: Path,
    own: dict[str, Path],
) -> None:
    from recarb.sources.country import empty_boxes, write_sources

    found = {one.key: one for one in fetched}
    for told in empty_boxes(choices, found):
        _note(f"note: {told}")
    path = write_sources(out / area.iso3, area, choices, found, own)
    typer.echo(f"written: {path} ({len(fetched)} files, all checked)")
    for layer, file in own.items():
        typer.echo(f"  - {layer}: your own {file}, which `recarb prepare` takes from there.")
    typer.echo(f"  - Your national maps go first: recarb prepare {path.parent} --own soc=FILE")


def _pack(
    store: "Cache", fetched: "Sequence[Fetched]", target: Path, chosen: "dict[str, Entry]"
) -> None:
    from recarb.sources.pack import answers, pack

    ids = {entry.id for entry in chosen.values()}
    extra = [one for one in answers(store) if one.source in ids]
    typer.echo(f"written: {pack(store, [*fetched, *extra], target)}")


def _unpack(store: "Cache", source: Path) -> None:
    from recarb.sources.pack import unpack

    typer.echo(f"unpacked: {len(unpack(store, source))} files of {source}, all checked")
