"""The figures and numbers of docs/science/monte_carlo.md, on North Macedonia at 1 km.

Run from the root of the repository, with the data folder in RECARB_DATA (or ../shared/data):
`python -m docs.figures.monte_carlo`. The maps go to RECARB_OUT, or to a temporary folder; a run
that lies there already is used as it is.
"""

import os
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd
from docs.figures import real_maps
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.colors import LogNorm
from matplotlib.figure import Figure
from numpy.typing import NDArray
from PIL import Image
from tests.real import runs

from recarb.sequestration import pipeline
from recarb.sequestration.draws import DRAWN
from recarb.sequestration.pipeline import RunReport

Floats = NDArray[np.float64]

IMAGES = Path(__file__).resolve().parents[1] / "img"
YEARS, RATE = 20, "RSR_SSM2"
PALETTE = 128  # colours of the largest picture
DRAWS = "\n[monte_carlo]\ndraws = 1000\ncorrelation_km = [50.0]\n"
DELTA = DRAWS + 'method = "delta"\n'
LABEL = "t C ha$^{-1}$ yr$^{-1}$"
COLOURS = ("#8c510a", "#bf812d", "#2166ac", "#67a9cf", "#1b7837", "#5e4fa2", "#d6604d")
INPUT_NAMES = ("SOC", "clay", "temperature", "rain", "plant cover", "carbon input", "gain of SSM")


@dataclass(frozen=True)
class Drawn:
    """A run with draws."""

    run: runs.Finished
    seconds: float

    def map(self, stem: str, band: int = 1) -> Floats:
        """A map of the folder `uncertainty`, (y, x)."""
        folder = self.run.report.folder / "uncertainty"
        return runs.read_map(folder / f"{self.run.config.iso3}_{stem}.tif", band)

    def totals(self) -> pd.DataFrame:
        """`totals_uncertainty.csv`."""
        return pd.read_csv(self.run.report.folder / "totals_uncertainty.csv")


def finish(name: str, out: Path, more: str) -> Drawn:
    """A run below `out`, or the one that lies there."""
    config = runs.load(name, out, more)
    folder = config.local_output()
    start = time.perf_counter()
    if folder.exists():
        report = RunReport(folder, None, None, [])  # type: ignore[arg-type]
        return Drawn(runs.Finished(config, report), 0.0)
    report = pipeline.run(config, threads=2)
    return Drawn(runs.Finished(config, report), time.perf_counter() - start)


def half_widths(drawn: Drawn) -> dict[str, Floats]:
    """Half width of RSR at +10 % by four methods [t C ha-1 yr-1], (y, x)."""
    of = drawn.run
    bau, managed, rate = (
        of.map(f"{stem}_Map030") for stem in ("finalSOC_BAU", "finalSOC_SSM2", RATE)
    )
    halves = [
        of.map(f"{name}_UncertaintyMap030") / 100.0 * stock
        for name, stock in (("BAU", bau), ("SSM", managed))
    ]
    together = np.hypot(*halves)
    return {
        "Monte Carlo, 95 %": (drawn.map(f"{RATE}_q975") - drawn.map(f"{RATE}_q025")) / 2.0,
        "two chains, differenced": of.diagnostic(f"{RATE}_HalfWidth"),
        "as published: divided by the sum": together / (bau + managed) * rate,
        "as if BAU and SSM were independent": together / YEARS,
    }


def width_maps(widths: dict[str, Floats], drawn: Drawn) -> Path:
    """Four maps of the half width under one logarithmic ramp."""
    how = {"cmap": "viridis", "norm": LogNorm(0.005, 2.0), "extend": "both"}
    maps = [(title, values, how) for title, values in widths.items()]
    target = IMAGES / "monte_carlo_widths.png"
    real_maps.side_by_side(target, drawn.run, maps, f"half width [{LABEL}]", columns=2)
    with Image.open(target) as image:
        few = image.convert("RGB").quantize(PALETTE)
    few.save(target, optimize=True)
    return target


def shares_and_totals(standard: Drawn, limits: Drawn) -> Path:
    """Shares of variance of three rates, and the interval of the national total."""
    figure = Figure(figsize=(11.0, 4.2), layout="constrained")
    FigureCanvasAgg(figure)
    left, right = figure.subplots(1, 2, width_ratios=(1.2, 1.0))
    rows = [(f"{kind} {'own limits' if of is limits else '±20 %'}", of, rate)
            for of in (standard, limits)
            for kind, rate in (("ASR of BAU,", "ASR_BAU"), ("RSR +10 %,", RATE))]  # fmt: skip
    for at, (_, of, rate) in enumerate(rows):
        start = 0.0
        for band, colour in enumerate(COLOURS, start=1):
            share = float(np.nanmean(of.map(f"{rate}_shares", band)))
            left.barh(at, share, left=start, color=colour,
                      label=INPUT_NAMES[band - 1] if at == 0 else None)  # fmt: skip
            start += share
    left.set_yticks(range(len(rows)), [title for title, _, _ in rows])
    left.invert_yaxis()
    left.set(xlim=(0, 1.02), xlabel="share of the variance, mean over the cells")
    left.legend(ncols=4, fontsize=8, loc="upper center", bbox_to_anchor=(0.5, -0.16))
    left.set_title("Where the uncertainty comes from", fontsize=10)
    _totals(right, standard)
    target = IMAGES / "monte_carlo_shares.png"
    figure.savefig(target, dpi=real_maps.DPI)
    return real_maps.shrink(target)


def _totals(axes, drawn: Drawn) -> None:
    table = national(drawn, RATE)
    labels = [label_of(row) for row in table.itertuples()]
    half = (table["high_95"] - table["low_95"]) / 2.0
    axes.errorbar(table["total"], range(len(table)), xerr=half, fmt="o", capsize=4, color="0.2")
    axes.axvline(0.0, color="0.7", linewidth=0.8)
    axes.set_yticks(range(len(table)), labels)
    axes.set_ylim(len(table) - 0.5, -0.5)
    axes.set_xlabel("national RSR at +10 % [Mt C yr$^{-1}$], 95 % interval")
    axes.set_title("A total under several assumptions on errors", fontsize=10)


def national(drawn: Drawn, quantity: str) -> pd.DataFrame:
    """The rows of the country of one quantity."""
    table = drawn.totals()
    return table[(table["level"] == "country") & (table["quantity"] == quantity)]


def label_of(row) -> str:
    """The assumption of a row in a few words."""
    if np.isinf(row.correlation_km):
        return "all one"
    how = "given" if "given" in row.assumption else "fitted"
    text = f"{row.correlation_km:g} km, {how}" if row.correlation_km else "independent"
    return f"same gain; {text}" if row.same_gain else text


def tell(standard: Drawn, delta: Drawn, limits: Drawn) -> None:
    """Print the numbers of the page."""
    print(f"seconds: draws {standard.seconds:.0f}, delta {delta.seconds:.0f}")
    widths = half_widths(standard)
    drawn = widths["Monte Carlo, 95 %"]
    rate = standard.run.map(f"{RATE}_Map030")
    for title, width in widths.items():
        of_rate = np.nanmedian(100.0 * width / rate)
        factors = np.nanpercentile(width / drawn, [5, 50, 95])
        print(f"{title}: {np.nanmedian(width):.4f}, {of_rate:.0f} % of RSR, over Monte Carlo "
              f"{factors[1]:.3g} ({factors[0]:.3g} to {factors[2]:.3g})")  # fmt: skip
    for name, of in (("standard", standard), ("limits", limits), ("delta", delta)):
        print(name, {s: round(float(np.nanmedian(of.map(f"P_{s}_above_BAU"))), 3)
                     for s in ("SSM1", "SSM2", "SSM3")})  # fmt: skip
        for quantity in ("T0", "ASR_BAU", RATE):
            mean, sd, low, high = (
                float(np.nanmedian(of.map(f"{quantity}_{end}")))
                for end in ("mean", "sd", "q025", "q975")
            )
            print(f"  {quantity}: mean {mean:.4g} sd {sd:.4g} interval {low:.4g} to {high:.4g}")
        for quantity in ("ASR_BAU", "ASR_SSM2", RATE):
            shares = {
                DRAWN[band - 1]: round(float(np.nanmean(of.map(f"{quantity}_shares", band))), 3)
                for band in range(1, len(DRAWN) + 1)
            }
            print(f"  shares of {quantity}: {shares}")
        columns = ["assumption", "total", "sd", "low_95", "high_95", "half_width_pct"]
        print(national(of, RATE)[columns].to_string(index=False))
    for quantity in ("T0", "finalSOC_BAU", "ASR_BAU", "ASR_SSM2", "RSR_SSM1", RATE, "RSR_SSM3"):
        ratio = delta.map(f"{quantity}_sd") / standard.map(f"{quantity}_sd")
        off = np.abs(delta.map(f"{quantity}_mean") - standard.map(f"{quantity}_mean"))
        relative = off / standard.map(f"{quantity}_sd")
        print(f"delta over draws, {quantity}: sd {np.nanpercentile(ratio, [1, 50, 99]).round(3)}, "
              f"mean off by {np.nanpercentile(relative, [50, 99]).round(3)} sd")  # fmt: skip


def main() -> None:
    """Run what is not there, draw the figures, print the numbers."""
    given = os.environ.get("RECARB_OUT")
    with tempfile.TemporaryDirectory() as temporary:
        out = Path(given or temporary)
        standard = finish("north_macedonia", out / "drawn", DRAWS)
        delta = finish("north_macedonia", out / "delta", DELTA)
        limits = finish("north_macedonia_limits", out / "drawn", DRAWS)
        print(width_maps(half_widths(standard), standard))
        print(shares_and_totals(standard, limits))
        tell(standard, delta, limits)


if __name__ == "__main__":
    main()
