"""The run.toml that stands beside prepared layers: every line says where it comes from."""

from collections.abc import Mapping
from dataclasses import dataclass

from recarb.sources.material import Country, Material
from recarb.sources.prepare_climate import Product
from recarb.sources.prepare_uncertainty import LAYERS as UNCERTAINTY

SPIN_UP_YEARS, SOC_YEAR = 20, 2000  # 1981-2000, and the map's year by convention [GSOCseq manual]
NO_UNITS = '#unit_field = "NAME"  # take the "#" away and name the field that names your provinces'
SCALARS = ("clay", "sand", "elevation", "cover")


@dataclass(frozen=True)
class Facts:
    """What there is to write about.

    Attributes
    ----------
    land_use : by file name, the year of the map; None where nobody knows. The last one is t0
    unit_field : field of the boundary that names units
    """

    country: Country
    materials: Mapping[str, Material]
    land_use: Mapping[str, int | None]
    climate: Product
    scenario: Product | None
    boundary: str | None
    unit_field: str | None


def run_text(facts: Facts) -> str:
    """Text of run.toml."""
    country = facts.country
    lines = [
        f"# {country.name}: written by `recarb prepare`. Every key there is: `recarb init`.",
        "# Files are beside this one; their tags and prepared.json say where each comes from.",
        "",
        f'iso3 = "{country.iso3}"',
        f'name = "{_plain(country.name)}"',
        *_accepted(facts),
        "",
        "# soc defines the grid; units stand in the tags of the files.",
        "[inputs]",
        f'soc = {{ path = "soc.tif" }}  {_origin(facts.materials["soc"])}',
    ]
    lines += [
        f'{key} = {{ path = "{key}.tif" }}  {_origin(facts.materials[key])}'
        for key in SCALARS
        if key in facts.materials
    ]
    lines += [
        f'{key} = {{ path = "{key}.tif" }}  {_origin(facts.materials[role])}'
        for role, key in UNCERTAINTY.items()
        if role in facts.materials
    ]
    if "ndvi" in facts.materials and "cover" not in facts.materials:
        lines.append(f'cover = {{ path = "cover.tif" }}  {_origin(facts.materials["ndvi"])}')
    lines += [*_land_use(facts), *_boundary(facts), *_climate(facts), *_phases(facts.climate)]
    if facts.scenario is not None:
        lines += [
            "",
            "[forward]",
            '#climate = "scenario"  # take the "#" away, and that of "accept" at the top',
        ]
    return "\n".join(lines) + "\n"


def _accepted(facts: Facts) -> list[str]:
    """What to accept with a scenario; not before, as it would hide the same in the main run."""
    if facts.scenario is None:
        return []
    main, other = facts.climate.material, facts.scenario.material
    both = f"{_plain(other.title)} and {_plain(main.title)}"
    if other.entry is None or other.entry.baseline != main.source:
        return ["", f"# {both} share no baseline: `recarb check` says mixed_climate."]
    return [
        "",
        f"# {both} share one baseline; what differs",
        '# is the warming, and it is meant. Take the "#" away together with that of [forward].',
        '#accept = ["mixed_climate", "climate_jump"]',
    ]


def _plain(text: str) -> str:
    """For a TOML string."""
    return text.replace("\\", "").replace('"', "'")


def _origin(material: Material) -> str:
    return f"# {_plain(material.title)} {material.version}".rstrip() + f", {material.licence}"


def _land_use(facts: Facts) -> list[str]:
    """The last year for t0, and the first for the spin-up where there are two."""
    *earlier, latest = facts.land_use
    origin = _origin(facts.materials["land_cover"])
    lines = ["", f"# Land use at t0: the 13 classes already. {origin[2:]}"]
    lines += ["[inputs.land_use]", f'path = "{latest}.tif"', 'crosswalk = "gsocseq13"']
    if earlier:
        lines += ["", f"# About the spin-up: {facts.land_use[earlier[0]]}."]
        lines += ["[inputs.land_use_spin_up]", f'path = "{earlier[0]}.tif"']
        lines += ['crosswalk = "gsocseq13"']
    return lines


def _boundary(facts: Facts) -> list[str]:
    if facts.boundary is None:
        return ["", "# No boundary was fetched: every cell of soc counts."]
    unit = [f'unit_field = "{facts.unit_field}"'] if facts.unit_field else [NO_UNITS]
    return ["", "[boundary]", f'path = "{facts.boundary}"', *unit]


def _climate(facts: Facts) -> list[str]:
    lines = ["", "# On its own grid; a cell at the coast takes the nearest land within"]
    lines += ["# model.climate_fill_km (60 km unless you say otherwise) and is flagged."]
    lines += _product("main", "climate", facts.climate)
    if facts.scenario is not None:
        lines += ["", *_product("scenario", "scenario", facts.scenario)]
    return lines


def _product(name: str, folder: str, product: Product) -> list[str]:
    material = product.material
    lines = [f"[climate.{name}]  {_origin(material)}"]
    lines.append(f'product = "{_plain(material.title)} {material.version}"')
    if product.climatology:
        lines.append("climatology = true")
    lines += [f'{key} = {{ path = "{folder}/{key}.tif" }}' for key in product.variables]
    if "pet" not in product.variables:
        lines.append('pet_method = "thornthwaite"  # the product has no PET')
    return lines


def _phases(product: Product) -> list[str]:
    """Years of the phases: the manual's where the series has them, else halves of what there is."""
    lines = ["", "[spin_up]", 'climate = "main"']
    if product.climatology:
        return [*lines, "# no [warm_up]: twelve means have no years; t0 is the SOC map"]
    first, last = product.years
    standard = first <= SOC_YEAR - SPIN_UP_YEARS + 1 and last > SOC_YEAR
    soc_year = SOC_YEAR if standard else (first + last) // 2
    start = SOC_YEAR - SPIN_UP_YEARS + 1 if standard else first
    lines.append(f"years = [{start}, {soc_year}]")
    if last > soc_year:
        lines += ["", "[warm_up]", 'climate = "main"', f"years = [{soc_year + 1}, {last}]"]
    if not standard:
        lines += ["", "[model]"]
        lines.append(f"soc_year = {soc_year}  # the series does not reach 1981-2000: own judgement")
    return lines
