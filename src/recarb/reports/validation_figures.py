"""Figures of a comparison: modelled over measured, residuals in space and time and by covariate."""

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.collections import LineCollection
from matplotlib.figure import Figure

from recarb.io.tables import written_atomically
from recarb.reports.ground import Ground, ground_of
from recarb.reports.style import DIVERGING
from recarb.validation.maps import COVARIATES, FinishedRun
from recarb.validation.scores import ALL
from recarb.validation.sites import month_number

# Okabe & Ito 2008, with a marker each, so that no one needs the colours
COLOURS = ("#0072B2", "#D55E00", "#000000", "#009E73", "#CC79A7", "#E69F00", "#56B4E9")
MARKERS = "os^Dv<>"
MOST_GROUPS = len(COLOURS)
REST = "other"
DPI = 130
UNIT = "t C ha$^{-1}$"
STOCK = f"Soil organic carbon [{UNIT}]"
RESIDUAL = f"Modelled - measured [{UNIT}]"
HEADROOM = 1.08  # room above the largest stock
HIGH_PCT = 98.0  # percentile of the sizes of residuals at which colours end
LABELS = {
    "modelled_tc_ha": f"Modelled [{UNIT}]",  # over measured, errors of measurement look like bias
    "compared_year": "Year",
    "latitude": "Latitude [°]",
    "c_eq_tc_ha_per_yr": f"C input of the equilibrium [{UNIT} yr$^{{-1}}$]",
    "npp_tc_ha_per_yr": f"NPP [{UNIT} yr$^{{-1}}$]",
    "rate_spin_up": "Rate modifier of the spin-up [-]",
}
PANEL_IN = (3.4, 2.9)
COLUMNS, MOST_PANELS = 3, 9


def draw_scatter(rows: pd.DataFrame, scores: pd.DataFrame, path: Path) -> None:
    """Modelled over measured stocks with the 1:1 line and the main measures."""
    figure = _figure(6.0, 5.6)
    axes = figure.add_subplot()
    top = HEADROOM * float(rows[["observed_tc_ha", "modelled_tc_ha"]].to_numpy().max())
    axes.plot([0.0, top], [0.0, top], color="0.6", linewidth=1.0, zorder=1)
    axes.text(0.93 * top, 0.95 * top, "1:1", ha="right", color="0.4")
    for i, (name, part) in enumerate(_groups(rows)):
        axes.errorbar(
            part["observed_tc_ha"], part["modelled_tc_ha"], xerr=_sd(part),
            fmt=MARKERS[i], color=COLOURS[i], markersize=4.5, elinewidth=0.8, alpha=0.75,
            markeredgewidth=0, linestyle="none", label=name,
        )  # fmt: skip
    whole = scores[scores["group"] == ALL].set_index("metric")["value"]
    told = (
        f"n = {len(rows)}\nRMSE {whole['rmse']:.3g}, bias {whole['bias']:+.3g} {UNIT}\n"
        f"Nash-Sutcliffe {whole['nash_sutcliffe']:.2f}, concordance {whole['concordance']:.2f}"
    )
    axes.text(0.03, 0.97, told, transform=axes.transAxes, va="top", fontsize=9)
    axes.set(xlim=(0.0, top), ylim=(0.0, top), xlabel=f"Measured [{UNIT}]", aspect="equal")
    axes.set_ylabel(f"Modelled [{UNIT}]")
    if rows["group"].ne("").any():
        axes.legend(frameon=False, fontsize=8, loc="lower right")
    _save(figure, path)


def draw_residual_map(rows: pd.DataFrame, run: FinishedRun, path: Path) -> None:
    """Where the model holds too much (green) and too little (brown)."""
    ground = ground_of(run.config, run.map_path("T0"))
    figure = _figure(7.0, 5.2)
    axes = figure.add_subplot()
    if ground.outlines is not None:
        axes.add_collection(LineCollection(_points(ground), colors="0.4", linewidths=0.6))
    sizes = np.abs(rows["residual_tc_ha"])
    reach = float(np.percentile(sizes, HIGH_PCT)) or 1.0
    order = np.argsort(sizes.to_numpy(), kind="stable")  # the largest errors on top
    drawn = rows.iloc[order]
    dots = axes.scatter(
        drawn["x"], drawn["y"], c=drawn["residual_tc_ha"], cmap=DIVERGING, vmin=-reach, vmax=reach,
        s=22, edgecolors="0.3", linewidths=0.4, zorder=2,
    )  # fmt: skip
    figure.colorbar(dots, ax=axes, label=RESIDUAL, extend="both")
    middle = float(rows["latitude"].mean())
    axes.set_aspect(1.0 / np.cos(np.radians(middle)) if ground.geographic else "equal")
    axes.autoscale_view()
    axes.set(xlabel="x", ylabel="y")
    if ground.geographic:
        axes.set(xlabel="Longitude [°]", ylabel="Latitude [°]")
    _save(figure, path)


def draw_covariates(rows: pd.DataFrame, path: Path) -> None:
    """Residuals over what may explain them, and by land use."""
    keys = ["modelled_tc_ha", "compared_year", "latitude", *COVARIATES.values()]
    keys = [key for key in keys if key in rows and rows[key].nunique() > 1]
    panels = len(keys) + 1
    lines = -(-panels // COLUMNS)
    figure = _figure(PANEL_IN[0] * COLUMNS, PANEL_IN[1] * lines)
    for i, key in enumerate(keys):
        axes = figure.add_subplot(lines, COLUMNS, i + 1)
        axes.axhline(0.0, color="0.6", linewidth=1.0)
        axes.plot(rows[key], rows["residual_tc_ha"], "o", color=COLOURS[0], markersize=3, alpha=0.6)
        axes.set_xlabel(LABELS[key], fontsize=8)
        _plain(axes, RESIDUAL if i % COLUMNS == 0 else "")
    axes = figure.add_subplot(lines, COLUMNS, panels)
    named = _groups(rows)
    axes.axhline(0.0, color="0.6", linewidth=1.0)
    axes.boxplot([part["residual_tc_ha"] for _, part in named], widths=0.6)
    axes.set_xticks(range(1, len(named) + 1), [f"{n or 'all'} ({len(p)})" for n, p in named])
    axes.tick_params(axis="x", labelrotation=30)
    _plain(axes, "")
    _save(figure, path)


def draw_courses(
    rows: pd.DataFrame, path: Path, courses: Mapping[str, pd.DataFrame] | None = None
) -> None:
    """Measured and modelled stocks over time, a panel for each site measured more than once.

    Parameters
    ----------
    courses : monthly results by site; without them the modelled stocks of the measured years
        are joined by lines
    """
    counts = rows.groupby("site")["line"].size()
    sites = list(counts[counts > 1].sort_values(ascending=False, kind="stable").index[:MOST_PANELS])
    columns = min(COLUMNS, len(sites))
    lines = -(-len(sites) // columns)
    figure = _figure(max(PANEL_IN[0] * columns, 6.0), max(PANEL_IN[1] * lines, 4.0))
    for i, site in enumerate(sites):
        part = rows[rows["site"] == site].sort_values("year")
        axes = figure.add_subplot(lines, columns, i + 1)
        time = month_number(part["year"], part["month"] + 1.0) / 12
        course = part.assign(soc_tc_ha=part["modelled_tc_ha"])
        if courses is not None:
            course = courses[site]
        at = month_number(course["year"], course["month"] + 1.0) / 12
        axes.plot(at, course["soc_tc_ha"], color=COLOURS[0], linewidth=1.0, label="modelled")
        axes.errorbar(
            time, part["observed_tc_ha"], yerr=_sd(part), fmt="o", color="black", markersize=4.5,
            elinewidth=0.8, label="measured",
        )  # fmt: skip
        axes.set_title(str(site), fontsize=9)
        axes.set_ylim(bottom=0.0)
        axes.set_xlabel("Year", fontsize=8)
        _plain(axes, STOCK if i % columns == 0 else "")
        if i == 0:
            axes.legend(frameon=False, fontsize=8, loc="lower left")
    _save(figure, path)


def has_courses(rows: pd.DataFrame) -> bool:
    """Whether a site was measured more than once."""
    return bool(rows.groupby("site")["year"].nunique().gt(1).any())


def draw_all(
    rows: pd.DataFrame,
    scores: pd.DataFrame,
    folder: Path,
    run: FinishedRun | None = None,
    courses: Mapping[str, pd.DataFrame] | None = None,
) -> list[Path]:
    """Every figure that the rows (compared ones only) have something for; their paths."""
    wanted: list[tuple[str, Callable[[Path], None]]] = [
        ("scatter.png", lambda path: draw_scatter(rows, scores, path))
    ]
    if run is not None:
        wanted.append(("residual_map.png", lambda path: draw_residual_map(rows, run, path)))
        wanted.append(("residuals.png", lambda path: draw_covariates(rows, path)))
    if has_courses(rows):
        wanted.append(("time_courses.png", lambda path: draw_courses(rows, path, courses)))
    for name, draw in wanted:
        draw(folder / name)
    return [folder / name for name, _ in wanted]


def _groups(rows: pd.DataFrame) -> list[tuple[str, pd.DataFrame]]:
    """Groups by size; those beyond the colours there are become one."""
    names = list(rows["group"].value_counts().index)
    kept = names if len(names) <= MOST_GROUPS else names[: MOST_GROUPS - 1]
    named = rows["group"].where(rows["group"].isin(kept), REST)
    parts = [(str(name), part) for name, part in rows.groupby(named)]
    return sorted(parts, key=lambda item: (item[0] == REST, -len(item[1])))


def _sd(part: pd.DataFrame) -> Any:
    return part["sd_tc_ha"] if part["sd_tc_ha"].notna().any() else None


def _points(ground: Ground) -> list[Any]:
    import shapely

    lines = shapely.get_parts(ground.outlines.to_numpy()) if ground.outlines is not None else []
    return [shapely.get_coordinates(line) for line in lines]


def _plain(axes: Any, label: str) -> None:
    axes.set_ylabel(label, fontsize=8)
    axes.tick_params(labelsize=7)
    axes.spines[["top", "right"]].set_visible(False)


def _figure(width: float, height: float) -> Figure:
    figure = Figure(figsize=(width, height), layout="constrained")
    FigureCanvasAgg(figure)
    return figure


def _save(figure: Figure, path: Path) -> None:
    with written_atomically(path) as part:
        figure.savefig(part, dpi=DPI)
