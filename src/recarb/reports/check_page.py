"""The page of a check: layers, findings, maps and histograms in one file that needs no line."""

import base64
import math
from dataclasses import dataclass, replace
from importlib.resources import files
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

import recarb
from recarb.core.config import RunConfig
from recarb.core.errors import OutputError
from recarb.core.findings import Finding, Severity, stopping
from recarb.io.tables import written_atomically
from recarb.reports.check_sheet import classes_of, draw_sheet
from recarb.reports.style import UNITS
from recarb.sequestration.check_report import CheckReport, LayerSummary
from recarb.sequestration.estimate import Estimate
from recarb.sequestration.look import SmallMap

Floats = NDArray[np.float64]

TEMPLATE = "check_page.html"
BINS = 24
WIDTH, HEIGHT = 240.0, 60.0  # of a histogram's bars [units of its drawing]
WORDS = {
    Severity.ERROR: "error",
    Severity.SUSPICIOUS: "suspicious",
    Severity.WARNING: "warning",
    Severity.NOTE: "note",
}


@dataclass(frozen=True)
class Bar:
    """One bar of a histogram: left edge, width, height as drawn, and what it says."""

    x: float
    width: float
    height: float
    told: str


@dataclass(frozen=True)
class Card:
    """One layer as the page shows it."""

    key: str
    title: str
    image: str  # data URI
    alt: str
    caption: str
    bars: tuple[Bar, ...]
    summary: str  # of the histogram, in words
    classes: tuple[tuple[str, str, str], ...]  # colour, name, share


def write_check_page(
    target: Path,
    report: CheckReport,
    config: RunConfig,
    expected: Estimate | None = None,
    steps: tuple[str, ...] = (),
) -> Path:
    """Write the page, and its maps as one PNG beside it.

    Returns
    -------
    Path
        The page: HTML with its images inside, no script, nothing from other places.

    Raises
    ------
    OutputError
        The folder cannot be written.
    """
    from jinja2 import Environment

    cards: list[Card] = []
    try:
        target.parent.mkdir(parents=True, exist_ok=True)
        if report.look is not None:
            sheet, maps = draw_sheet(report.look, config)
            if maps:
                sheet.save(target.with_suffix(".png"))
            rows = {row.key: row for row in report.layers}
            country = report.look.country
            cards = [
                _card(_inside(one, country), sheet.png_of(at), rows[one.key])
                for at, one in enumerate(maps)
            ]
        text = files("recarb.reports").joinpath(TEMPLATE).read_text(encoding="utf-8")
        page = Environment(autoescape=True, trim_blocks=True, lstrip_blocks=True).from_string(text)
        stops = stopping(report.findings, config.accept)
        content = page.render(
            name=config.name or config.iso3,
            note=config.note,
            version=recarb.__version__,
            stops=len(stops),
            findings=_in_order(report.findings),
            accepted=set(config.accept),
            layers=report.layers,
            number=_number,
            cards=cards,
            estimate=None if expected is None else expected.line,
            steps=steps,
            bar_area=(WIDTH, HEIGHT),
        )
        with written_atomically(target) as part:
            part.write_text(content, encoding="utf-8", newline="\n")
    except OSError as error:
        raise OutputError(
            f"{target}: cannot be written ({error.strerror}); name another file with --page, or "
            "give --no-page"
        ) from error
    return target


def _in_order(findings: list[Finding]) -> list[Finding]:
    """The gravest first."""
    order = list(WORDS)
    return sorted(findings, key=lambda finding: order.index(finding.severity))


def _inside(one: SmallMap, country: NDArray[np.bool_]) -> SmallMap:
    """The part of a map that lies in the country; all of it where none does."""
    values = np.where(country, one.values, np.nan)
    return replace(one, values=values) if np.isfinite(values).any() else one


def _card(one: SmallMap, png: bytes, row: LayerSummary) -> Card:
    unit = "" if one.unit == "1" else UNITS.get(one.unit, one.unit)
    classes = classes_of(one) if one.key.startswith("land_use") else {}
    told = f"{_range(row.low, row.high, unit)}, mean {_number(row.mean)}"
    if one.is_code:
        largest = next(iter(classes.items()), None)
        told = "codes" if largest is None else f"mostly {largest[0]} ({largest[1][1]:.0f} %)"
    covers = "" if math.isnan(row.covers_pct) else f"; covers {row.covers_pct:.0f} % of the country"
    bars, summary = ((), "") if classes else _histogram(one, unit)
    return Card(
        key=one.key,
        title=one.title,
        image=f"data:image/png;base64,{base64.b64encode(png).decode('ascii')}",
        alt=f"Map of {one.title}: {told}{covers}.",
        caption=f"{told}{covers}",
        bars=bars,
        summary=summary,
        classes=tuple((colour, name, f"{pct:.1f}") for name, (colour, pct) in classes.items()),
    )


def _histogram(one: SmallMap, unit: str) -> tuple[tuple[Bar, ...], str]:
    """Bars over the values that the map shows, and the same in words."""
    values = one.values[np.isfinite(one.values)]
    counts, edges = np.histogram(values, bins=BINS)
    middle = np.percentile(values, [25.0, 75.0])
    summary = f"half of the values lie in {_range(middle[0], middle[1], unit)}"
    step = WIDTH / BINS
    bars = tuple(
        Bar(
            x=at * step,
            width=step - 1.0,
            height=HEIGHT * count / counts.max(),
            told=f"{_number(edges[at])} to {_number(edges[at + 1])}: {count}",
        )
        for at, count in enumerate(counts.tolist())
    )
    return bars, f"{_range(edges[0], edges[-1], unit)}; {summary}"


def _range(low: float, high: float, unit: str) -> str:
    return f"{_number(low)} to {_number(high)} {unit}".rstrip()


def _number(value: float) -> str:
    """Four digits; nothing where nothing is known."""
    return "" if not math.isfinite(value) else f"{value:.4g}"
