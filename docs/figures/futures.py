"""Figures and numbers of `docs/science/futures.md`: Iberia beyond twenty years.

Run from the root of the repository, with the data folder in RECARB_DATA (or ../shared/data):
`python -m docs.figures.futures`. The maps go to RECARB_OUT, or to a temporary folder.
"""

import os
import tempfile
from pathlib import Path

import numpy as np
from docs.figures import real_maps
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.colors import Normalize
from matplotlib.figure import Figure
from tests.real import runs

from recarb.sequestration.point import Trajectory, trajectory

IMAGES = Path(__file__).resolve().parents[1] / "img"
CELL = -7.75, 38.25  # in the Alentejo
GRASS = "cropland becomes grassland"
SAME = "+2 K at once, input follows NPP"  # in that cell, where rain limits NPP
LAST = 100

AHEAD = f"\n[forward]\nhorizons = [50, {LAST}]\n"
TO_GRASS = """
[inputs.land_use_forward]
path = "$RECARB_DATA/iberia/landcover_glcnmo2008_20arcmin.tif"
crosswalk = "glcnmo2008"
options = { 11 = 3, 12 = 3, 13 = 3 } # cropland, paddy, mosaic
"""
PLAIN = AHEAD + "steady_state = true\n"
WARMER = 'climate_change = { temperature_k = 2.0, pet_method = "hargreaves"'
FUTURES = {  # name, keys of [forward], colour (Okabe & Ito 2008)
    "climate of 2001-2010": (PLAIN, "#000000"),
    "2001-2010 year by year, repeated": (
        AHEAD + 'climate = "cru"\nyear_by_year = true\nclimate_years = [2001, 2010]\n',
        "#999999",
    ),
    "+2 K at once": (AHEAD + WARMER + " }\n", "#D55E00"),
    "+2 K, growing over 50 years": (AHEAD + WARMER + ", ramp_years = 50 }\n", "#E69F00"),
    "+2 K at once, PET as it was": (
        AHEAD + "climate_change = { temperature_k = 2.0, pet_factor = 1.0 }\n",
        "#CC79A7",
    ),
    GRASS: (
        AHEAD + "land_use_after_years = 0\n" + TO_GRASS,
        "#009E73",
    ),
    SAME: (
        AHEAD + WARMER + " }\ninputs_follow_npp = true\n",
        "#0072B2",
    ),
}


def horizons(run: runs.Finished) -> None:
    """RSR at +20 % over 20, 50 and 100 years."""
    rates = {
        20: run.map("RSR_SSM3_Map030"),
        50: run.diagnostic("RSR_SSM3_50y"),
        LAST: run.diagnostic(f"RSR_SSM3_{LAST}y"),
    }
    how = real_maps.gains(*rates.values())
    maps = [(f"RSR at +20 %, over {n} years", rate, how) for n, rate in rates.items()]
    target = IMAGES / "futures_horizons.png"
    real_maps.side_by_side(target, run, maps, "t C ha$^{-1}$ yr$^{-1}$")


def times(run: runs.Finished) -> None:
    """Years to 95 % of an effect, and of the way of BAU to its steady stock."""
    titles = {"Years_effect": "95 % of the effect of more input",
              "Years_BAU_steady": "95 % of BAU's way to its steady stock"}  # fmt: skip
    found = {title: run.diagnostic(key) for key, title in titles.items()}
    high = float(np.nanpercentile(np.stack(list(found.values())), 98.0))
    how = {"cmap": "viridis_r", "norm": Normalize(0.0, high), "extend": "max"}
    maps = [(title, values, how) for title, values in found.items()]
    real_maps.side_by_side(IMAGES / "futures_times.png", run, maps, "years")


def courses(found: dict[str, Trajectory]) -> None:
    """The stock of one cell under every future: BAU dashed, +20 % drawn through."""
    figure = Figure(figsize=(8.5, 4.6), layout="constrained")
    FigureCanvasAgg(figure)
    axes = figure.add_subplot()
    for name, course in found.items():
        months = course.months
        for scenario, line in (("BAU", (0, (3, 2))), ("SSM3", "-")):
            of = months[(months["scenario"] == scenario) & (months["phase"] == "forward")]
            yearly = of.groupby("year")["soc_tc_ha"].mean()
            label = name if scenario == "SSM3" else None
            colour = FUTURES[name][1]
            axes.plot(
                yearly.index, yearly, color=colour, linestyle=line, linewidth=1.4, label=label
            )
    axes.set_ylabel("SOC 0-30 cm, mean of the year [t C ha$^{-1}$]")
    axes.set_title(
        f"a cell of the Alentejo ({CELL[0]}, {CELL[1]}); BAU dashed, +20 % drawn through",
        fontsize=10,
        loc="left",
    )
    axes.spines[["top", "right"]].set_visible(False)
    axes.legend(fontsize=8, frameon=False, loc="upper left", bbox_to_anchor=(1.0, 1.0))
    target = IMAGES / "futures_courses.png"
    figure.savefig(target, dpi=real_maps.DPI)
    real_maps.shrink(target)


def numbers(finished: dict[str, runs.Finished]) -> None:
    """Country means by cell, weighted by area, for the page."""
    plain = next(iter(finished.values()))
    rows = np.arange(plain.map("T0_Map030").shape[0])
    height = 0.5
    top = real_maps.extent_of(plain)[3]
    weight = np.cos(np.radians(top - height * (rows + 0.5)))[:, None]

    def mean(values: np.ndarray) -> float:
        known = np.isfinite(values)
        return float((values * weight)[known].sum() / (known * weight).sum())

    print("| climate ahead | ASR of BAU, 20 y | 50 y | 100 y | RSR at +20 %, 20 y | 50 y | 100 y |")
    print("| --- " * 7 + "|")
    for name, run in finished.items():
        stems = [f"{kind}_{n}y" for kind in ("ASR_BAU", "RSR_SSM3") for n in (50, LAST)]
        further = [mean(run.diagnostic(stem)) for stem in stems]
        first = [mean(run.map(f"{kind}_Map030")) for kind in ("ASR_BAU", "RSR_SSM3")]
        values = [first[0], *further[:2], first[1], *further[2:]]
        print(f"| {name} | " + " | ".join(f"{value:.3f}" for value in values) + " |")
    for stem in ("Years_effect", "Years_BAU_steady", "Years_SSM3_steady"):
        values = plain.diagnostic(stem)
        parts = np.nanpercentile(values, [5, 50, 95])
        print(stem, parts.round(0), np.isfinite(values).sum())
    gain = plain.diagnostic("SOC_SSM3_steady") - plain.diagnostic("SOC_BAU_steady")
    for n in (20, 50, LAST):
        rate = plain.map("RSR_SSM3_Map030") if n == 20 else plain.diagnostic(f"RSR_SSM3_{n}y")
        print(f"share of the steady gain after {n} years: {mean(rate * n) / mean(gain):.0%}")
    print("T0, steady BAU:", mean(plain.map("T0_Map030")), mean(plain.diagnostic("SOC_BAU_steady")))


def main() -> None:
    """Every run, figure and number of the page."""
    with tempfile.TemporaryDirectory() as folder:
        out = Path(os.environ.get("RECARB_OUT", folder))
        finished = {
            name: runs.finish("iberia", out / f"future_{number}", keys)
            for number, (name, (keys, _)) in enumerate(FUTURES.items())
        }
        plain = next(iter(finished.values()))
        horizons(plain)
        times(plain)
        drawn = {name: run for name, run in finished.items() if name != SAME}
        courses({name: trajectory(run.config, *CELL) for name, run in drawn.items()})
        numbers(finished)


if __name__ == "__main__":
    main()
