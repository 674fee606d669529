"""Draw the figures of docs/science/validation.md and print its numbers.

Run from the root of the repository, with the data folder in RECARB_DATA and a folder for runs in
RECARB_OUT: `python -m docs.figures.validation`
"""

import os
from pathlib import Path

import numpy as np
import pandas as pd
from docs.figures.real_maps import shrink
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure
from tests.real import highfield, hoosfield, masis, runs

from recarb.core.errors import InputError
from recarb.reports.validation_figures import draw_residual_map, draw_scatter
from recarb.sequestration.forward import BAU
from recarb.sequestration.pipeline import last_year
from recarb.sequestration.point import trajectory
from recarb.sequestration.site import run_site
from recarb.validation.calibration import Calibration, calibrate, gather, model_stocks
from recarb.validation.choices import Choice, run_with
from recarb.validation.maps import FinishedRun, Rules, compare_maps
from recarb.validation.observed import read_observed
from recarb.validation.scores import score
from recarb.validation.sites import month_number
from recarb.validation.verdict import findings

MONTHS = 12
IMAGES = Path(__file__).resolve().parents[1] / "img"
INPUT = Choice("c_input_factor", 0.02, 3.0)
MANURE = Choice("fym_factor", 0.2, 3.0)
RATE = Choice("rate_factor", 0.2, 5.0)
BLUE, RED = "#0072B2", "#D55E00"  # Okabe & Ito 2008


def told(name: str, done: Calibration) -> Calibration:
    """Print a fit."""
    fit = done.fit
    print(f"\n{name}")
    for choice, value, low, high in zip(fit.choices, fit.values, fit.low, fit.high, strict=True):
        print(f"  {choice.name}: {value:.4g} ({low:.4g} to {high:.4g})")
    print(f"  collinearity {fit.collinearity:.3g}, correlation {fit.correlation.round(3).tolist()}")
    print(
        f"  RMSE published {done.published_rmse:.3g}, fitted {done.fitted_rmse:.3g}; left out: "
        f"published {done.published_left_out_rmse:.3g}, fitted {done.left_out_rmse:.3g}"
    )
    for fold in done.folds:
        print(f"    {fold}")
    for finding in findings(done):
        print("  " + finding.line())
    return done


def plain(observed: pd.DataFrame) -> pd.DataFrame:
    """Every stock counts the same: an sd of two to four plots is no weight."""
    return observed.assign(sd_tc_ha=np.nan)


def draw_highfield(path: Path = IMAGES / "highfield.png") -> None:
    """Measured and modelled stocks of old grass and of crops on it."""
    figure = Figure(figsize=(8.0, 5.0), layout="constrained")
    FigureCanvasAgg(figure)
    axes = figure.add_subplot()
    arable = highfield.site("arable", plain(highfield.measured("arable")))
    fits = {
        "input": told("Highfield arable, input", calibrate([arable], [INPUT])),
        "rates": told("Highfield arable, rates", calibrate([arable], [RATE])),
        "both": told("Highfield arable, both", calibrate([arable], [INPUT, RATE])),
    }
    grass = highfield.site("grass")
    lines = [
        ("grass, input in equilibrium with 1948", grass, {}, BLUE, "-"),
        (f"crops, {highfield.ARABLE_INPUT} t C ha$^{{-1}}$ a year as at Hoosfield", arable, {},
         RED, "-"),
        ("crops, input fitted", arable, fits["input"].fit.by_name(), RED, "--"),
        ("crops, rates fitted", arable, fits["rates"].fit.by_name(), RED, ":"),
    ]  # fmt: skip
    for label, site, values, colour, style in lines:
        months = run_site(run_with(site.run, values)).months
        time = month_number(months["year"], months["month"] + 1.0) / 12
        axes.plot(time, months["soc_tc_ha"], style, color=colour, linewidth=1.2, label=label)
    for treatment, colour, marker in (("grass", BLUE, "o"), ("arable", RED, "s")):
        rows = highfield.measured(treatment)
        time = month_number(rows["year"], rows["month"] + 1.0) / 12
        axes.errorbar(
            time, rows["soc_tc_ha"], yerr=rows["sd_tc_ha"], fmt=marker, color=colour, markersize=5,
            elinewidth=0.8, label=f"{treatment}, measured, sd of the mean",
        )  # fmt: skip
    axes.set(xlabel="Year", ylim=(0.0, 95.0))
    axes.set_ylabel("Soil organic carbon, soil mass of 1948 [t C ha$^{-1}$]")
    axes.spines[["top", "right"]].set_visible(False)
    axes.legend(frameon=False, fontsize=8, loc="lower left")
    figure.savefig(path, dpi=130)
    shrink(path)


def tell_hoosfield_fits() -> None:
    """Three treatments of one soil together: each predicted from the two others."""
    sites = [hoosfield.site(treatment) for treatment in hoosfield.TREATMENTS]
    told("Hoosfield, inputs", calibrate(sites, [INPUT, MANURE]))
    told("Hoosfield, rates", calibrate(sites, [RATE]))
    told("Hoosfield, all three", calibrate(sites, [INPUT, MANURE, RATE]))


def tell_experiments() -> None:
    """The measures of every treatment of both experiments."""
    parts = []
    for treatment in hoosfield.TREATMENTS:
        table = hoosfield.compare(treatment)
        parts.append((f"Hoosfield {treatment}", table["measured"], table["modelled"]))
    for treatment in highfield.TREATMENTS:
        site = highfield.site(treatment, plain(highfield.measured(treatment)))
        stocks = gather([site])
        modelled = model_stocks([site], stocks, {})
        parts.append((f"Highfield {treatment}", stocks.soc_tc_ha, modelled))
    for name, observed, modelled in parts:
        rows = pd.DataFrame({"observed_tc_ha": np.asarray(observed),
                             "modelled_tc_ha": np.asarray(modelled)})  # fmt: skip
        scores = score(rows.assign(weight=1.0, site=range(len(rows)), group=""))
        print(f"\n{name} ({len(rows)} stocks)")
        print(scores[["metric", "value", "low", "high"]].round(2).to_string(index=False))


def tell_bend(folder: Path, points: int = 24) -> None:
    """How far the true course of a stock lies from the straight lines between the three maps."""
    config = runs.load("iberia", folder)
    t0, years = last_year(config), config.forward.years
    found: dict[str, list[float]] = {"warm-up": [], "forward": []}
    rng = np.random.default_rng(0)
    while len(found["forward"]) < points:
        lon, lat = rng.uniform(-8.0, 2.0), rng.uniform(37.5, 43.0)
        try:
            done = trajectory(config, lon, lat)
        except InputError:
            continue  # the sea, a town, a forest
        december = done.months[done.months["month"] == MONTHS]
        stocks = december[december["scenario"] == BAU].set_index("year")["soc_tc_ha"]
        parts = {"warm-up": (config.model.soc_year, t0), "forward": (t0, t0 + years)}
        for phase, (first, last) in parts.items():
            start = done.facts["soc_tc_ha"] if phase == "warm-up" else stocks.loc[t0]
            course = stocks.loc[first + 1 : last]
            share = (course.index - first) / (last - first)
            line = start + share * (course.iloc[-1] - start)
            found[phase].append(float(np.abs(course - line).max()))
    print("\nLargest distance from the straight line [t C ha-1], Iberia")
    print(pd.DataFrame(found).describe().round(2).to_string())


def draw_macedonia(folder: Path) -> None:
    """The SOC map of North Macedonia against profiles it never saw."""
    done = runs.finish("north_macedonia", folder)
    run = FinishedRun(done.report.folder, done.config)
    for known in (False, True):
        path = folder / f"masis_{'training' if known else 'unseen'}.csv"
        masis.observed(in_training=known).to_csv(path, index=False)
        observed = read_observed(path, with_place=True)
        table = compare_maps(observed, run, Rules(any_year=True))
        print(f"\nNorth Macedonia, {path.stem}")
        print(table["reason"].value_counts().to_string())
        rows = table[table["reason"] == ""]
        scores = score(rows)
        print(scores.round(3).to_string(index=False))
        if not known:
            for name, draw in (
                ("scatter", lambda at, r=rows, s=scores: draw_scatter(r, s, at)),
                ("residuals", lambda at, r=rows: draw_residual_map(r, run, at)),
            ):
                image = IMAGES / f"validation_mkd_{name}.png"
                draw(image)
                shrink(image)


if __name__ == "__main__":
    draw_highfield()
    tell_hoosfield_fits()
    tell_experiments()
    tell_bend(Path(os.environ["RECARB_OUT"]))
    draw_macedonia(Path(os.environ["RECARB_OUT"]))
