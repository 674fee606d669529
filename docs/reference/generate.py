"""Write the reference pages from the code: `python docs/reference/generate.py`.

tests/house/test_reference.py holds the committed pages to what this gives.
"""

import json
import os
import subprocess
import sys
import tomllib
import types
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Annotated, Any, Literal, get_args, get_origin

import numpy as np
import xarray as xr
from pydantic import BaseModel
from pydantic.fields import FieldInfo
from upath import UPath

import recarb
from recarb.core import config as settings
from recarb.core import errors
from recarb.core.quantities import catalogue
from recarb.sequestration.flags import flags
from recarb.sequestration.ledger import FAILED, MEANING, Outcome
from recarb.sequestration.output import map_tags
from recarb.sequestration.products import Product, diagnostics, products
from recarb.sequestration.summary import Summary
from recarb.sources.registry import load_registry

HERE = Path(__file__).resolve().parent
sys.path.insert(0, str(HERE))
from ensemble_section import ensemble_section  # noqa: E402 - beside this script
from practices_page import practices_page  # noqa: E402 - beside this script
from references_page import bibliography, references_page  # noqa: E402, F401 - tests ask it

MADE = "<!-- Written by docs/reference/generate.py: change the code, not this page. -->\n"
HELP_WIDTH = "112"
TERMINAL = ("FORCE_COLOR", "PY_COLORS", "GITHUB_ACTIONS", "TERMINAL_WIDTH", "CLICOLOR_FORCE")
HELP = """
import json
from typer.main import get_command
from typer.testing import CliRunner
from recarb.cli import app, register
register.commands(app)
commands = get_command(app).commands
names = [name for one, command in commands.items()
         for name in (one, *(f"{one} {sub}" for sub in getattr(command, "commands", ())))]
print(json.dumps({n: CliRunner().invoke(app, [*n.split(), "--help"], prog_name="recarb").output
                  for n in ["", *names]}))
"""

SUFFIXES = (  # unit of a key by the end of its name; the longest first
    ("_mt_co2e_per_yr", "Mt CO2e yr-1"),
    ("_tc_ha_per_yr", "t C ha-1 yr-1"),
    ("_mm_per_yr", "mm yr-1"),
    ("_c_per_km", "K km-1"),
    ("_g_cm3", "g cm-3"),
    ("_tc_ha", "t C ha-1"),
    ("_ds_m", "dS m-1"),
    ("_pct", "%"),
    ("_cm", "cm"),
    ("_km", "km"), ("_m", "m"),
)  # fmt: skip
NAMES = {
    Path: "path",
    UPath: "URL",
    str: "text",
    int: "whole number",
    float: "number",
    bool: "true or false",
}
TABLES = {  # heading, what is said, and which classes of core/config it shows under which prefix
    "The run": (
        "Tables are written `[spin_up]`, `[climate.NAME]`, `[[scenarios]]`.",
        [("RunConfig", ""), ("SpinUp", "spin_up"), ("WarmUp", "warm_up"), ("Forward", "forward"),
         ("ClimateChange", "forward.climate_change"),
         ("NppReference", "npp_reference"), ("Boundary", "boundary")],
    ),
    "Layers": (
        "A layer is `{ path = ..., ... }`. Land use takes three keys more, an override two.",
        [("Layer", "*layer*"), ("LandUseLayer", "*land use*"), ("Override", "*override*")],
    ),
    "Inputs and climate": (
        "Units are converted to those of [the catalogue](quantities.md).",
        [("Inputs", "inputs"), ("Climate", "climate.NAME")],
    ),
    "Choices, scenarios, uncertainty": (
        "Class keys are the 13 land-use classes, as text or number.",
        [("Choices", "model"), ("Variant", "model.variant"), ("Scenario", "scenarios"),
         ("AdoptedPractice", "scenarios.practices"),
         ("Target", "targets"), ("Uncertainty", "uncertainty"),
         ("MonteCarlo", "monte_carlo"), ("Ensemble", "ensemble"),
         ("Flags", "flags"), ("Suspicion", "suspicion")],
    ),
}  # fmt: skip


def pages() -> dict[str, str]:
    """File name in docs/reference -> text."""
    return {
        "cli.md": cli_page(),
        "config.md": config_page(),
        "outputs.md": outputs_page(),
        "practices.md": MADE + "\n" + practices_page(table),
        "python_api.md": api_page(),
        "quantities.md": quantities_page(),
        "references.md": MADE + "\n" + references_page(),
        "sources.md": sources_page(),
    }


def table(head: Sequence[str], rows: Iterable[Sequence[object]]) -> str:
    """A Markdown table."""
    lines = [head, ["---"] * len(head), *rows]
    return "\n".join("| " + " | ".join(_cell(c) for c in line) + " |" for line in lines) + "\n"


def _cell(value: object) -> str:
    return str(value).replace("|", "\\|").replace("\n", " ")


# ---------------------------------------------------------------------------------------- cli


def help_texts() -> dict[str, str]:
    """What `recarb COMMAND --help` prints, by command; "" is recarb itself."""
    env = {key: value for key, value in os.environ.items() if key not in TERMINAL}
    env |= {"COLUMNS": HELP_WIDTH, "NO_COLOR": "1", "TERM": "xterm", "PYTHONUTF8": "1"}
    command = [sys.executable, "-c", HELP]
    done = subprocess.run(command, env=env, capture_output=True, encoding="utf-8", check=False)
    if done.returncode:
        raise RuntimeError(f"recarb --help failed:\n{done.stderr}")
    texts: dict[str, str] = json.loads(done.stdout)
    return {name: _tidy(text) for name, text in texts.items()}


def _tidy(text: str) -> str:
    """Without blank lines and spaces at the ends."""
    return "\n".join(line.rstrip() for line in text.splitlines() if line.strip())


def cli_page() -> str:
    """The help of every command, and the exit codes."""
    parts = [MADE, "# Command line\n"]
    parts.append(
        "What `--help` prints. Numbers, maps and tables go to files; progress, findings and errors "
        "go to the error stream.\n"
    )
    for name, text in help_texts().items():
        parts.append(f"## recarb {name}\n".replace(" \n", "\n") + f"\n```text\n{text}\n```\n")
    parts.append("## Exit codes\n\n" + exit_code_table())
    return "\n".join(parts)


def error_classes() -> list[type[errors.RecarbError]]:
    """Every class of core.errors, in its order."""
    members = vars(errors).values()
    return [c for c in members if isinstance(c, type) and issubclass(c, errors.RecarbError)]


def exit_code_table() -> str:
    """Exit code, the classes that end with it, and what they mean."""
    by_code: dict[int, list[type[errors.RecarbError]]] = {}
    for kind in error_classes():
        by_code.setdefault(kind.exit_code, []).append(kind)
    rows: list[Sequence[object]] = [(0, "", "done")]
    for code, kinds in sorted(by_code.items()):
        meaning = (kinds[0].__doc__ or "").strip().splitlines()[0]
        rows.append((code, ", ".join(f"`{k.__name__}`" for k in kinds), meaning))
    rows.append((2, "(of the command line)", "an unknown command or option"))
    rows.append((130, "", "stopped with Ctrl-C; nothing half-written stands under a final name"))
    return table(("code", "error", "meaning"), rows)


# ------------------------------------------------------------------------------------- config


def config_page() -> str:
    """Every key of run.toml."""
    meanings = tomllib.loads((HERE / "config_meanings.toml").read_text(encoding="utf-8"))
    check_meanings(meanings)
    parts = [MADE, "# run.toml\n"]
    parts.append(
        "One file holds every choice of a run. Paths are relative to its folder; `~` and `$NAME` "
        "(environment) are expanded. A key that is not here is an error. `recarb init ISO3` writes "
        "a file with all of them.\n"
    )
    for heading, (said, sections) in TABLES.items():
        rows: list[Sequence[object]] = []
        for name, prefix in sections:
            rows += _config_rows(name, prefix, meanings[name])
        head = ("key", "type", "unit", "default", "meaning")
        parts.append(f"## {heading}\n\n{said}\n\n" + table(head, rows))
    return "\n".join(parts)


def models() -> dict[str, type[BaseModel]]:
    """The tables of run.toml by the name of their class."""
    found = {}
    for name, value in vars(settings).items():
        if isinstance(value, type) and issubclass(value, settings.Model):
            found[name] = value
    del found["Model"]
    return found


def own_fields(name: str) -> dict[str, FieldInfo]:
    """Fields of a class that its parent does not have."""
    kind = models()[name]
    parent = kind.__mro__[1]
    inherited = getattr(parent, "model_fields", {})
    return {key: info for key, info in kind.model_fields.items() if key not in inherited}


def check_meanings(meanings: dict[str, dict[str, Any]]) -> None:
    """Every key has a meaning and every meaning its key."""
    there = {f"{name}.{key}" for name in models() for key in own_fields(name)}
    told = {f"{name}.{key}" for name, keys in meanings.items() for key in keys}
    if there != told:
        raise RuntimeError(
            "docs/reference/config_meanings.toml: write the meaning of "
            f"{sorted(there - told) or 'nothing'}; take away {sorted(told - there) or 'nothing'}"
        )
    shown = {name for _, sections in TABLES.values() for name, _ in sections}
    if shown != set(models()):
        raise RuntimeError(f"TABLES of generate.py lacks {sorted(set(models()) - shown)}")


def _config_rows(name: str, prefix: str, meanings: dict[str, Any]) -> list[Sequence[object]]:
    dot = f"{prefix}." if prefix and not prefix.startswith("*") else ""
    rows = []
    for key, info in own_fields(name).items():
        told = meanings[key]
        shown = f"`{dot}{key}`" if dot or not prefix else f"{prefix} `{key}`"
        unit = told.get("unit") or unit_of(key)
        rows.append((shown, _type(info), unit, _default(info), told["meaning"]))
    return rows


def unit_of(key: str) -> str:
    """Unit that the end of a key's name says.

    >>> unit_of("rain_below_mm_per_yr")
    'mm yr-1'
    """
    return next((unit for suffix, unit in SUFFIXES if key.endswith(suffix)), "")


def _type(info: FieldInfo) -> str:
    """Type and limits in words."""
    limits = []
    for item in info.metadata:
        for sign, name in ((">=", "ge"), (">", "gt"), ("<=", "le"), ("<", "lt")):
            bound = getattr(item, name, None)
            if bound is not None:
                limits.append(f"{sign} {bound:g}")
    words = type_words(info.annotation)
    return f"{words}, {' and '.join(limits)}" if limits else words


def type_words(kind: Any) -> str:
    """A type annotation in words.

    >>> type_words(dict[int, float])
    'table: whole number = number'
    """
    origin, inside = get_origin(kind), get_args(kind)
    if origin is None:
        return _plain_type(kind)
    if origin is Literal:
        return ", ".join(f"`{choice}`" for choice in inside)
    if origin is Annotated:
        return type_words(inside[0])
    words = [type_words(part) for part in inside if part not in (types.NoneType, Ellipsis)]
    if origin is dict:
        return f"table: {words[0]} = {words[1]}"
    if origin is tuple:
        return f"list of {words[0]}" if Ellipsis in inside else f"[{', '.join(words)}]"
    return " or ".join(words)


def _plain_type(kind: type) -> str:
    if issubclass(kind, BaseModel):
        return "layer" if issubclass(kind, settings.Layer) else "table"
    return NAMES[kind]


def _default(info: FieldInfo) -> str:
    if info.is_required():
        return "**needed**"
    value = info.default
    if value is None or value in ((), {}, "") or isinstance(value, BaseModel):
        return ""
    if isinstance(value, tuple):
        return "see right" if isinstance(value[0], BaseModel) else f"`{list(value)}`"
    if isinstance(value, bool):
        return f"`{str(value).lower()}`"
    return f"`{value}`"


# ----------------------------------------------------------------------------- quantities, outputs


def quantities_page() -> str:
    """The catalogue."""
    rows = [
        (f"`{q.key}`", q.long_name, "class" if q.is_code else shown_unit(q.unit, q.substance),
         "" if q.is_code else f"{q.low:g} to {q.high:g}", q.source)
        for q in catalogue().values()
    ]  # fmt: skip
    said = (
        "Every layer is converted to its canonical unit when it is read. A value outside the "
        "possible range is an error of `recarb check`. Carbon is named beside the unit, because a "
        "unit parser reads `t C` as something else.\n"
    )
    head = ("key", "quantity", "unit", "possible", "source of the range")
    return "\n".join([MADE, "# Quantities\n", said, table(head, rows)])


def standard_run() -> settings.RunConfig:
    """A run with all three phases, standard scenarios and every flag layer."""
    layer = {"path": "map.tif"}
    optional = ("elevation", "sand", "electrical_conductivity", "peat", "wetland")
    inputs = dict.fromkeys(("soc", "clay", "land_use", *optional), layer)
    climate = {"product": "any", "temperature": layer, "rain": layer, "pet": layer}
    return settings.RunConfig.model_validate(
        {
            "iso3": "XTL",
            "inputs": inputs,
            "climate": {"any": climate},
            "spin_up": {"climate": "any", "years": [1981, 2000]},
            "warm_up": {"climate": "any", "years": [2001, 2020]},
            "agricultural_emissions_mt_co2e_per_yr": 1.0,
            "ensemble": {"models": ["icbm", "ipcc-tier2"]},
        }
    )


def outputs_page() -> str:
    """Everything a run leaves in its folder."""
    config = standard_run()
    delivered = products(config)
    means = [p for p in delivered if not p.key.startswith("U_")]
    parts = [
        MADE,
        "# Outputs\n",
        "A run of country `XTL` with three phases and the three standard scenarios leaves the "
        "folder below. Other scenarios give other maps. [Draws](../science/monte_carlo.md) add "
        "`uncertainty/`, `recarb run --sis-names` a copy of the deliverables in `sis/`.\n",
        f"## Deliverables: {len(means)} maps and {len(delivered) - len(means)} of uncertainty\n",
        table(("file", "map", "unit", "plausible", "name in `sis/` (iso2 `XT`)"),
              (_product_row(p, config) for p in delivered)),
        "## Diagnostics, in `diagnostics/`\n",
        table(("file", "map", "unit"), (_diagnostic_row(p) for p in diagnostics(config))),
        "`forward.horizons` and `forward.steady_state` add [maps](../science/futures.md).\n",
        "`XTL_outcome.tif` and `XTL_land_use.tif` are bytes, 255 = no data.\n",
        *ensemble_section(config, table, _diagnostic_row),
        "## Outcome of a cell\n",
        table(("value", "name", "meaning", "counts as"), (_outcome_row(o) for o in Outcome)),
        "## Flags, in `flags/`: 1 = yes, 0 = no, 255 = not modelled\n",
        table(("file", "meaning"),
              ((f"`XTL_flag_{flag.key}.tif`", flag.title) for flag in flags(config))),
        "## Columns of `summary.csv`\n",
        ", ".join(f"`{column}`" for column in summary_columns()) + ".\n\n"
        "`level` is `country`, `land_use`, `unit` or `unit_land_use`; one row for each scenario. "
        "Means are weighted by area.\n",
        "## Tags of every map\n",
        ", ".join(f"`{tag}`" for tag in (*map_tags(config, "", 2020), "title", "units"))
        + ", `note` where run.toml has one, `substance` where the unit is of carbon.\n",
    ]  # fmt: skip
    return "\n".join(parts)


def _product_row(product: Product, config: settings.RunConfig) -> Sequence[object]:
    low, high = product.low, product.high
    name = product.file_name(config.iso3)
    sis = product.sis_name("XT", 2020)
    return f"`{name}.tif`", product.title, _unit(product), f"{low:g} to {high:g}", f"`{sis}.tif`"


def _diagnostic_row(product: Product) -> Sequence[object]:
    return f"`XTL_{product.stem}.tif`", product.title, _unit(product)


def _unit(product: Product) -> str:
    return shown_unit(product.unit, "C" if product.unit.startswith("t ") else None)


def shown_unit(unit: str, substance: str | None) -> str:
    """A unit as people write it.

    >>> shown_unit("t ha-1 year-1", "C")
    't C ha-1 yr-1'
    """
    if substance is not None:
        unit = unit.replace("t ", f"t {substance} ", 1)
    return {"percent": "%", "1": "-"}.get(unit, unit.replace("year", "yr"))


def _outcome_row(outcome: Outcome) -> Sequence[object]:
    kind = "failed" if outcome in FAILED else "excluded"
    kind = {Outcome.RUN: "run", Outcome.OUTSIDE: "not counted"}.get(outcome, kind)
    return outcome.value, f"`{outcome.name.lower()}`", MEANING[outcome], kind


def summary_columns() -> list[str]:
    """Columns of summary.csv, from one made-up cell."""
    config = standard_run()
    names = ("BAU", *(scenario.name for scenario in config.scenarios))
    keys = ["T0"] + [f"{kind}_{name}" for kind in ("finalSOC", "ASR", "RSR") for name in names]
    cell = xr.Dataset({key: ("cell", np.ones(1)) for key in keys})
    summary = Summary(("unit",), names, config.agricultural_emissions_mt_co2e_per_yr)
    summary.add(cell, np.ones(1, np.uint16), np.full(1, 2, np.uint8), np.ones(1))
    return list(summary.table().columns)


# ------------------------------------------------------------------------------------- sources


def sources_page() -> str:
    """The registry of data sets."""
    said = (
        "The data sets `recarb fetch` knows, one TOML file each in `recarb/sources/registry`. "
        "[How to fetch](../howto/fetch.md); `recarb sources show ID` prints an entry whole, with "
        "its URLs and citation.\n\n"
        "**None of the live servers was asked by the tests.** *Unverified* lists what rests on "
        "general knowledge; `recarb sources verify` asks the servers.\n"
    )
    entries = load_registry().values()
    rows = [(f"`{e.id}`", e.title, e.version, ", ".join(e.roles), e.licence) for e in entries]
    overview = table(("id", "data set", "version", "layers", "licence"), rows)
    parts = [MADE, "# Data sources\n", said, overview]
    for entry in entries:
        facts = [
            f"`{name}` {layer.low:g} to {layer.high:g} {layer.unit}"
            for name, layer in entry.layers.items()
        ]
        shown = "; ".join([entry.grid or "no grid", *facts])
        doubts = f" ({'; '.join(entry.unverified)})" if entry.unverified else ""
        told = f"Facts from: {entry.source}. *{entry.verified}{doubts}*"
        parts.append(f"## {entry.id}\n\n{shown}. {told}\n")
        parts += [*(f"- {trap}" for trap in entry.traps), ""]
    return "\n".join(parts).rstrip("\n") + "\n"


# -------------------------------------------------------------------------------------------- api


def api_page() -> str:
    """The public names; mkdocstrings writes what their docstrings say."""
    said = (
        "`import recarb` gives ten names; the command line uses the same. They are imported when "
        "they are first used.\n\n"
        "```python\nimport recarb\nfrom pathlib import Path\n\n"
        'config = recarb.load_config(Path("tinyland/run.toml"))\n'
        "inputs = recarb.open_inputs(config)\n"
        "tile = inputs.load()  # the whole grid\n"
        "cells = recarb.simulate(tile.cells, config)\n"
        "maps = recarb.to_maps(cells, inputs.grid)\n"
        'maps["RSR_SSM3"].plot()\n```\n'
    )
    parts = [MADE, "# Python\n", said]
    for name in recarb.__all__:
        home = recarb._HOME[name]
        options = f"heading: recarb.{name}\n      toc_label: {name}\n      show_root_heading: true"
        parts.append(f"::: {home}.{name}\n    options:\n      {options}\n")
    return "\n".join(parts)


def main() -> None:
    """Write all pages."""
    for name, text in pages().items():
        (HERE / name).write_text(text, encoding="utf-8", newline="\n")
        print(f"written: docs/reference/{name}")


if __name__ == "__main__":
    main()
