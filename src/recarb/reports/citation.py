"""Whom a run has to thank: acknowledgements and BibTeX from its provenance."""

import json
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from importlib.resources import files
from pathlib import Path
from typing import Any

from recarb.core.config import load_config
from recarb.core.errors import InputError, MissingData
from recarb.core.paths import is_file, parse_path, read_text
from recarb.sources.material import OWN

FILE = "provenance.json"
ENTRY = re.compile(r"^@\w+\{([^,\s]+),.*?^\}", re.MULTILINE | re.DOTALL)
ALWAYS = ("recarb", "coleman1996", "fao2020")
PET = {  # method: key of its reference, and what it is called
    "thornthwaite": ("thornthwaite1948", "Thornthwaite (1948)"),
    "hargreaves": ("allen1998", "Hargreaves, as in FAO paper 56 (Allen et al. 1998)"),
    "fao56": ("allen1998", "Penman-Monteith, FAO paper 56 (Allen et al. 1998)"),
}


@dataclass
class DataSet:
    """One data set that inputs were made from."""

    title: str
    licence: str
    citation: str
    layers: list[str] = field(default_factory=list)
    urls: list[str] = field(default_factory=list)
    days: set[str] = field(default_factory=set)

    @property
    def key(self) -> str:
        """BibTeX key; "" without a citation."""
        found = ENTRY.search(self.citation)
        return found[1] if found else ""

    @property
    def line(self) -> str:
        """For people."""
        parts = [f"{self.title} ({', '.join(self.layers)})"]
        if self.key:
            parts.append(f"cite as {self.key}")
        parts.append(f"licence: {self.licence}")
        if self.urls:
            more = f" and {len(self.urls) - 1} more" if len(self.urls) > 1 else ""
            parts.append(f"from {self.urls[0]}{more}")
        if self.days:
            first, last = min(self.days), max(self.days)
            parts.append(f"fetched {first}" if first == last else f"fetched {first} to {last}")
        return "; ".join(parts)


def read_provenance(run: str | Path) -> dict[str, Any]:
    """The record of a finished run.

    Parameters
    ----------
    run : its output folder, its provenance.json, or its run.toml; a path or a URL

    Raises
    ------
    MissingData
        There is no finished run.
    InputError
        The record is damaged, or its server does not answer.
    """
    given = parse_path(run)
    folder = load_config(given).output if given.suffix == ".toml" else given
    path = folder if folder.suffix == ".json" else folder / FILE
    if not is_file(path):
        raise MissingData(
            f"{path}: no such file; expected the output folder of a finished run: recarb run "
            "writes it"
        )
    try:
        record = json.loads(read_text(path))
        return {key: record[key] for key in ("config", "versions", "inputs")}
    except (ValueError, KeyError, TypeError) as error:
        raise InputError(
            f"{path}: expected the record of a run, came something else ({error!r}); run again"
        ) from error


def acknowledgements(record: Mapping[str, Any]) -> str:
    """Text for a report: methods, data sets with licences, and inputs nobody can name."""
    config = record["config"]
    lines = [
        f"The maps of {config['name'] or config['iso3']} were computed with recarb "
        f"{record['versions']['recarb']} [recarb]. It runs RothC-26.3 [coleman1996] for every cell "
        "after the GSOCseq protocol of FAO [fao2020].",
        *(f"Potential evapotranspiration of climate {name}: {PET[method][1]} [{PET[method][0]}]."
          for name, method in _pet_methods(config)),
    ]  # fmt: skip
    if config["warm_up"]:
        lines.append("Net primary production: MIAMI (Lieth 1975) [lieth1975].")
    known, own, unknown = _inputs(record)
    if known:
        lines += ["", "Data:", *(f"- {one.line}" for one in known)]
    if own:
        lines += ["", "Files of the country's own:", *(f"- {one}" for one in own)]
    if unknown:
        lines += [
            "",
            "No origin is recorded of these inputs; name their sources yourself:",
            *(f"- {one}" for one in unknown),
        ]
    return "\n".join(lines)


def bibtex(record: Mapping[str, Any]) -> str:
    """BibTeX of the program, the methods and the data sets, each once."""
    text = files("recarb.reports").joinpath("citations.bib").read_text(encoding="utf-8")
    text = text.replace("{VERSION}", "{" + str(record["versions"]["recarb"]) + "}")
    shipped = {found[1]: found[0] for found in ENTRY.finditer(text)}
    config = record["config"]
    keys = [*ALWAYS, *(["lieth1975"] if config["warm_up"] else [])]
    keys += [PET[method][0] for _, method in _pet_methods(config)]
    entries = {key: shipped[key] for key in keys}
    for one in _inputs(record)[0]:
        entries |= {found[1]: found[0] for found in ENTRY.finditer(one.citation)}
    return "\n\n".join(entries.values())


def _pet_methods(config: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
    for name, climate in config["climate"].items():
        if climate.get("pet_method") in PET:
            yield name, climate["pet_method"]


def _inputs(record: Mapping[str, Any]) -> tuple[list[DataSet], list[str], list[str]]:
    """Data sets, the country's own files, and inputs without an origin."""
    sets: dict[tuple[str, str], DataSet] = {}
    own: dict[str, None] = {}
    unknown: dict[str, None] = {}
    for row in record["inputs"]:
        if not row.get("origins"):
            unknown[f"{row['layer']}: {row['file']}{_product(row['layer'], record)}"] = None
        for origin in row.get("origins", ()):
            if origin["source"] == OWN:
                own |= {f"{row['layer']}: {one['file']}": None for one in origin["files"]}
                continue
            key = (origin["source"], origin["version"])
            title = f"{origin['title']} {origin['version']}".strip()
            one = sets.setdefault(key, DataSet(title, origin["licence"], origin["citation"]))
            one.layers += [row["layer"]] if row["layer"] not in one.layers else []
            one.urls += [
                file["url"] for file in origin["files"] if file["url"] not in {"", *one.urls}
            ]
            one.days |= {file["time"][:10] for file in origin["files"] if file.get("time")}
    return list(sets.values()), list(own), list(unknown)


def _product(layer: str, record: Mapping[str, Any]) -> str:
    """What run.toml calls the product of a climate layer."""
    table, _, rest = layer.partition(".")
    name = rest.split(".")[0]
    climate = record["config"]["climate"].get(name) if table == "climate" else None
    return f" (run.toml calls it {climate['product']})" if climate else ""
