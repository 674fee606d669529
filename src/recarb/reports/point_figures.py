"""The trajectory of one cell as a picture."""

from pathlib import Path

import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from recarb.io.tables import written_atomically
from recarb.sequestration.forward import BAU
from recarb.sequestration.point import Trajectory

COLOURS = ("#0072B2", "#009E73", "#E69F00", "#D55E00", "#CC79A7", "#56B4E9")  # Okabe & Ito 2008
POOL_COLOURS = {  # earth from inert to fresh; none is the colour of a scenario
    "iom": "#555555",
    "hum": "#8c6d31",
    "bio": "#b89a5e",
    "rpm": "#d9c48f",
    "dpm": "#f0e6c8",
}
DPI = 130


def draw_trajectory(found: Trajectory, target: Path) -> Path:
    """SOC of all scenarios above, pools of BAU below, against time."""
    figure = Figure(figsize=(8.0, 7.0), layout="constrained")
    top, bottom = figure.subplots(2, 1, sharex=True)
    months = found.months.assign(time=lambda m: m["year"] + (m["month"] - 0.5) / 12.0)
    scenarios = list(dict.fromkeys(months["scenario"]))
    for colour, name in zip(_cycle(len(scenarios)), scenarios, strict=True):
        part = months[
            (months["scenario"] == name) & ((months["phase"] == "forward") | (name == BAU))
        ]
        top.plot(part["time"], part["soc_tc_ha"], color=colour, label=name, linewidth=1.3)
    top.set_ylabel(f"SOC, 0-{found.facts['depth_cm']:g} cm [t C ha$^{{-1}}$]")
    top.legend(ncols=len(scenarios), fontsize=8, frameon=False)
    top.set_title(
        f"cell at {found.lon:g}, {found.lat:g}: SOC map {found.facts['soc_tc_ha']:.1f} t C/ha, "
        f"clay {found.facts['clay_pct']:.0f} %, "
        f"C_eq {found.facts['c_eq_tc_ha_per_yr']:.2f} t C/ha/yr",
        fontsize=10,
    )
    _pools(bottom, months[months["scenario"] == BAU])
    _phases(top, months)
    if found.note:
        figure.supxlabel(found.note, fontsize=7, color="0.4")
    with written_atomically(target) as part:
        figure.savefig(part, dpi=DPI)
    return target


def _pools(axes: Axes, bau: pd.DataFrame) -> None:
    series = [bau[f"{pool}_tc_ha"] for pool in POOL_COLOURS]
    labels = [pool.upper() for pool in POOL_COLOURS]
    axes.stackplot(bau["time"], series, labels=labels, colors=list(POOL_COLOURS.values()))
    axes.set_ylabel("pools, BAU [t C ha$^{-1}$]")
    axes.set_xlabel("year")
    axes.legend(
        ncols=len(labels), fontsize=8, frameon=False, loc="lower center", bbox_to_anchor=(0.5, 1.0)
    )


def _phases(axes: Axes, months: pd.DataFrame) -> None:
    """A line where each phase starts, its name beside it."""
    starts = months.groupby("phase", sort=False)["time"].min()
    for phase, start in starts.items():
        axes.axvline(start, color="0.6", linewidth=0.8, linestyle=":")
        axes.annotate(
            str(phase).replace("_", "-"),
            (start, 1.0),
            xycoords=("data", "axes fraction"),
            xytext=(2, -3),
            textcoords="offset points",
            rotation=90,
            va="top",
            fontsize=7,
            color="0.3",
        )


def _cycle(count: int) -> list[str]:
    return [COLOURS[i % len(COLOURS)] for i in range(count)]
