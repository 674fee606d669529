"""Tables and plots of the results: for the terminal, and for docs/science/benchmarks.md."""

import re
import tomllib
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

from bench.measure import ROOT
from bench.results import Record, history, latest

PAGE = ROOT / "docs" / "science" / "benchmarks.md"
IMAGES = ROOT / "docs" / "img" / "bench"
QUOTED = ROOT / "bench" / "quoted.toml"
MIB, GIB = 2.0**20, 2.0**30
S_PER_MIN, S_PER_HOUR, S_PER_DAY, S_PER_YEAR = 60.0, 3600.0, 86400.0, 86400.0 * 365.25
COUNTRY, WORLD = 300_000, 50_000_000  # cells
DOTS_PER_INCH, WIDTH, HEIGHT = 120, 9.0, 3.6
COLUMNS = 2  # of panels
NONE = "-"

HEADER = (
    *("benchmark", "case", "cells", "time [s]", "spread [%]", "CPU [s]", "memory [MiB]"),
    *("written [MiB]", "room [MiB]", "cells/s", "ratio", "to", "target", "date", "commit"),
)


def rows(records: Sequence[Record]) -> list[list[str]]:
    """One row per record, as in `HEADER`."""
    return [
        [
            record.benchmark,
            record.case,
            f"{record.cells:,}" if record.cells else NONE,
            number(record.wall_s),
            f"{record.spread_pct():.0f} ({len(record.runs)})",
            number(record.middle("cpu_s")),
            number(record.middle("peak_memory_bytes"), MIB),
            number(record.middle("written_bytes"), MIB),
            number(record.middle("peak_disk_bytes"), MIB),
            number(record.cells_per_s or None),
            number(record.ratio),
            record.against or NONE,
            record.target or NONE,
            record.date[:10],
            record.machine["commit"],
        ]
        for record in records
    ]


def number(value: float | None, unit: float = 1.0) -> str:
    """Three significant digits, no exponent.

    >>> number(123456.0), number(0.01234), number(None)
    ('123,000', '0.0123', '-')
    """
    if value is None:
        return NONE
    rounded = float(f"{value / unit:.3g}")
    return f"{rounded:,.0f}" if abs(rounded) >= 100 else f"{rounded:g}"


def print_table(records: Sequence[Record]) -> None:
    """The results for people at a terminal."""
    from rich.box import SIMPLE_HEAD
    from rich.console import Console
    from rich.table import Table

    table = Table(box=SIMPLE_HEAD, padding=(0, 1, 0, 0), pad_edge=False)
    for name in HEADER:
        table.add_column(name, overflow="fold")
    for row in rows(records):
        table.add_row(*row)
    console = Console()
    if not console.is_terminal:
        console = Console(width=240)
    console.print(table)


def page_tables(records: Sequence[Record]) -> dict[str, str]:
    """Everything on the page that is a number, by the name of its place."""
    newest = latest(records)
    own = [record for record in newest if record.benchmark != "peers"]
    peers = [record for record in newest if record.benchmark == "peers"]
    return {
        "machine": _machine(newest),
        "runs": markdown(HEADER, rows(own)),
        "peers": _peers(peers),
    }


def markdown(header: Sequence[str], lines: Sequence[Sequence[str]]) -> str:
    """A Markdown table."""
    rule = "|" + "---|" * len(header)
    return "\n".join(
        [
            "| " + " | ".join(header) + " |",
            rule,
            *("| " + " | ".join(line) + " |" for line in lines),
        ]
    )


def write_page(records: Sequence[Record] | None = None, page: Path = PAGE) -> None:
    """Put tables and plots of all results into the page.

    Raises
    ------
    KeyError
        The page has no place for a table, or one for a table that is not made.
    """
    records = history() if records is None else records
    tables = page_tables(records)
    text = page.read_text(encoding="utf-8")
    places = set(re.findall(r"<!-- table: (\S+) -->", text))
    if places != set(tables):
        raise KeyError(f"{page.name}: places {sorted(places)}, tables {sorted(tables)}")
    for name, content in tables.items():
        begin, end = f"<!-- table: {name} -->\n", "<!-- end -->"
        before, after = text.split(begin, 1)
        text = before + begin + content + "\n" + end + after.split(end, 1)[1]
    page.write_text(text, encoding="utf-8", newline="\n")
    IMAGES.mkdir(parents=True, exist_ok=True)
    draw_world([r for r in latest(records) if r.benchmark == "world"], IMAGES / "world.png")
    draw_history(records, IMAGES / "history.png")


def _machine(records: Sequence[Record]) -> str:
    """The machines the newest results come from, as a list."""
    found: dict[str, None] = {}
    for record in records:
        facts = record.machine
        libraries = ", ".join(f"{name} {version}" for name, version in facts["versions"].items())
        line = (
            f"- {facts['processor']}, {facts['cores']} cores, "
            f"{facts['memory_bytes'] / GIB:.0f} GiB, {facts['system']}; {libraries}"
        )
        found[line] = None
    return "\n".join(found)


def _peers(records: Sequence[Record]) -> str:
    """Measured here, and quoted: time per cell, a country, the world."""
    header = ("implementation", "work per cell", "s per cell", "spread [%]", "300,000 cells",
              "50 million cells", "speed, to pyRothC here", "date")  # fmt: skip
    lines = [_peer(record) for record in records]
    quoted = tomllib.loads(QUOTED.read_text(encoding="utf-8"))
    lines += [
        [
            row["name"],
            row["work"],
            seconds(row["s_per_cell"]),
            NONE,
            _duration(row["s_per_cell"] * COUNTRY),
            _duration(row["s_per_cell"] * WORLD),
            NONE,
            f"{quoted['date']}, quoted",
        ]
        for row in quoted["rows"]
    ]
    return f"{markdown(header, lines)}\n\nQuoted figures: {quoted['source']}."


def _peer(record: Record) -> list[str]:
    """A peer measured here, by CPU time."""
    per_cell_s = (record.middle("cpu_s") or record.wall_s) / record.cells
    return [
        record.case,
        "eleven runs",
        seconds(per_cell_s),
        f"{record.spread_pct('cpu_s'):.0f} ({len(record.runs)})",
        _duration(per_cell_s * COUNTRY),
        _duration(per_cell_s * WORLD),
        number(record.ratio),
        f"{record.date[:10]}, here",
    ]


def seconds(value: float) -> str:
    """Three significant digits without an exponent.

    >>> seconds(0.000123), seconds(1.96)
    ('0.000123', '1.96')
    """
    return f"{float(f'{value:.3g}'):.10f}".rstrip("0").rstrip(".")


def _duration(value_s: float) -> str:
    """Seconds in the unit people would say it in."""
    for unit, name in (
        (S_PER_YEAR, "years"),
        (S_PER_DAY, "days"),
        (S_PER_HOUR, "h"),
        (S_PER_MIN, "min"),
    ):
        if value_s >= 2 * unit:
            return f"{number(value_s / unit)} {name}"
    return f"{number(value_s)} s"


def draw_world(records: Sequence[Record], path: Path) -> None:
    """Time and peak memory against cells, both logarithmic; the dashed line is linear."""
    from matplotlib.figure import Figure

    figure = Figure(figsize=(WIDTH, HEIGHT), dpi=DOTS_PER_INCH, layout="constrained")
    time, memory = figure.subplots(1, 2)
    ordered = sorted(records, key=lambda record: record.cells)
    cells = [record.cells for record in ordered]
    time.loglog(cells, [record.wall_s for record in ordered], "o-", color="tab:blue")
    if ordered:
        last = ordered[-1]
        time.loglog(cells, [last.wall_s * n / last.cells for n in cells], "--", color="tab:gray")
    used = [(record.middle("peak_memory_bytes") or 0.0) / MIB for record in ordered]
    memory.loglog(cells, used, "o-", color="tab:red")
    memory.set_ylim(100, 10_000)
    for axes, title in ((time, "time [s]; dashed: linear"), (memory, "peak memory [MiB]")):
        axes.set(title=title, xlabel="cells that run")
        axes.grid(visible=True, which="major", alpha=0.3)
    figure.savefig(path, metadata={"Software": None})


def draw_history(records: Sequence[Record], path: Path) -> None:
    """What became of every case, from one measurement to the next: a panel per benchmark."""
    from matplotlib.figure import Figure

    names = dict.fromkeys(record.benchmark for record in records if record.benchmark != "peers")
    panels = [
        (f"{name}: time [s]", [r for r in records if r.benchmark == name], _wall_s)
        for name in names
    ]
    compared = [record for record in records if record.benchmark == "country"]
    panels.append(("country: run over its floor [-]", compared, _ratio))
    rows = -(-len(panels) // COLUMNS)
    figure = Figure(figsize=(WIDTH, HEIGHT * rows), dpi=DOTS_PER_INCH, layout="constrained")
    places = figure.subplots(rows, COLUMNS, squeeze=False).flat
    for axes, (title, shown, value) in zip(places, panels, strict=False):
        _lines(axes, shown, value)
        axes.set(title=title, yscale="linear" if value is _ratio else "log")
        axes.yaxis.set_major_formatter("{x:g}")
        axes.yaxis.set_minor_formatter("{x:g}")
        axes.tick_params(axis="y", which="both", labelsize=6)
    for axes in figure.axes[len(panels) :]:
        axes.set_visible(False)
    figure.savefig(path, metadata={"Software": None})


def _wall_s(record: Record) -> float:
    return record.wall_s


def _ratio(record: Record) -> float:
    return record.ratio if record.ratio is not None else float("nan")


def _lines(axes: Any, records: Sequence[Record], value: Callable[[Record], float]) -> None:
    """A line per case; the measurements stand in the order of time."""
    labels = [f"{record.date[5:10]}\n{record.machine['commit']}" for record in records]
    places = {label: place for place, label in enumerate(dict.fromkeys(labels))}
    by_case: dict[str, list[tuple[int, float]]] = {}
    for label, record in zip(labels, records, strict=True):
        by_case.setdefault(record.case, []).append((places[label], value(record)))
    for name, points in by_case.items():
        axes.plot(*zip(*points, strict=True), "o-", label=name)
    axes.set_xticks(range(len(places)), list(places))
    axes.grid(visible=True, alpha=0.3)
    axes.tick_params(axis="x", labelsize=6)
    if by_case:
        axes.legend(fontsize=6, loc="upper left", bbox_to_anchor=(0.0, -0.22), frameon=False)
