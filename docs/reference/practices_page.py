"""The reference page of the library of practices, for `generate.py`."""

from collections.abc import Callable, Iterable, Sequence

from recarb.sequestration.practices.crops import allocations, residues, sources
from recarb.sequestration.practices.library import Practice, library

Table = Callable[[Sequence[str], Iterable[Sequence[object]]], str]


def practices_page(table: Table) -> str:
    """The library of practices, and the tables of crops."""
    said = (
        "What each practice adds to the carbon input where it is adopted, for "
        "[scenarios by practice](../howto/practices.md). `recarb practices show NAME` prints a row "
        "with its advice. *Unverified*: the source of the number was not read; a run that uses it "
        "stops unless run.toml accepts `unverified_practice`.\n"
    )
    rows = [
        (f"`{row.name}`", row.title, _adds(row), ", ".join(map(str, row.land_use)),
         row.quality(), row.ramp_years, _status(row), row.source)
        for row in library().values()
    ]  # fmt: skip
    head = ("practice", "what", "adds", "land use", "quality", "ramp [yr]", "status", "source")
    shares = [
        (row.crop, row.product, row.straw, row.root, row.exudates, row.straw_kept)
        for row in allocations().values()
    ]
    of_yield = [
        (row.crop, row.slope, row.intercept, row.root_shoot or "-") for row in residues().values()
    ]
    return "\n".join([
        "# Practices\n", said, table(head, rows),
        f"## Shares of the plant carbon\n\nSource: {sources()['allocation']}.\n",
        table(("crop", "product", "straw", "roots", "exudates", "straw kept"), shares),
        f"## Residues from the yield\n\nSource: {sources()['residues']}.\n",
        table(("crop", "slope", "intercept [t ha-1]", "root : shoot"), of_yield),
    ])  # fmt: skip


def _adds(row: Practice) -> str:
    if row.value is None:
        return {"own": "your own number", "none": "nothing: refused"}[row.effect]
    limits = "" if row.low is None else f" ({row.low:g} to {row.high:g})"
    return f"{row.value:g}{limits} {row.unit}"


def _status(row: Practice) -> str:
    doubtful = row.quality_status == "unverified" and row.status == "sourced"
    return "sourced; quality unverified" if doubtful else row.status
