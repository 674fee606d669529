"""Draw the figures of docs/science/practices.md and print its numbers: North Macedonia.

Run from the root of the repository, with the data folder in RECARB_DATA (or ../shared/data):
`python -m docs.figures.practices`. The maps go to RECARB_OUT, or to a temporary folder.
"""

import os
import tempfile
from pathlib import Path

import numpy as np
from docs.figures.real_maps import cropped, extent_of, gains, ground_of_run, shrink, side_by_side
from matplotlib import colormaps
from matplotlib.axes import Axes
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.colors import BoundaryNorm, ListedColormap
from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator
from PIL import Image
from tests.real import runs

from recarb.reports.point_figures import COLOURS
from recarb.sequestration.point import Trajectory, trajectory

IMAGES = Path(__file__).resolve().parents[1] / "img"
DPI = 90
PALETTE = 64
CELL = (22.147, 41.669)  # cropland of Ovce Pole, near the median of stock and gain
CROPLAND = 2
CLASSES_PCT = (0.0, 5.0, 10.0, 15.0, 20.0, 30.0)  # of the gain that is needed

SCENARIOS = """
[[scenarios]]
name = "SSM2"
gain_pct = 10.0

[[scenarios]]
name = "STRAW"
practices = [{ practice = "residue-retention", adoption = 0.3 }]

[[scenarios]]
name = "COVER"
[[scenarios.practices]]
practice = "cover-crop"
adoption = { 2025 = 0.1, 2030 = 0.3 }
cover_months = [10, 11, 12, 1, 2, 3]

[[scenarios]]
name = "MIX"
[[scenarios.practices]]
practice = "cover-crop"
adoption = { 2025 = 0.1, 2030 = 0.3 }
cover_months = [10, 11, 12, 1, 2, 3]
[[scenarios.practices]]
practice = "farmyard-manure"
land_use = [2]
adoption = 0.1
[[scenarios.practices]]
practice = "gsocseq-low"
land_use = [3, 5]

[[targets]]
name = "RSR01"
rsr_tc_ha_per_yr = 0.1
"""
CHECKED_YEARS = (18, 50)  # of the measurements of manure and of cover crops
CHECKS = """
[forward]
years = YEARS

[uncertainty]
chains = false
""" + "".join(
    f"""
[[scenarios]]
name = "{name}"
cap_at_npp = false
practices = [{{ practice = "{practice}", land_use = [2]{more} }}]
"""
    for name, practice, more in (
        ("COVER", "cover-crop", ""),
        ("COVERED", "cover-crop", ", cover_months = [10, 11, 12, 1, 2, 3]"),
        ("MANURE", "farmyard-manure", ""),
        ("STRAW", "residue-retention", ""),
    )
)
WITHOUT_COVER = SCENARIOS.replace("cover_months = [10, 11, 12, 1, 2, 3]\n", "")


def paletted(path: Path) -> Path:
    """A PNG of maps with so many colours as it needs."""
    with Image.open(path) as image:
        image.convert("RGB").quantize(PALETTE).save(path, optimize=True)
    return path


def draw_gain_needed(run: runs.Finished, target: Path) -> Path:
    """The gain that RSR01 needs, in classes; where it is more than NPP, in red."""
    gain, above = run.diagnostic("GainNeeded_RSR01"), run.flag("target_RSR01")
    window, extent = cropped(gain, extent_of(run))
    ground = ground_of_run(run)
    ramp = colormaps["viridis_r"](np.linspace(0.05, 0.95, len(CLASSES_PCT)))
    colours = ListedColormap(list(ramp[:-1])).with_extremes(over=ramp[-1])
    figure = Figure(figsize=(8.2, 6.0), layout="compressed")
    FigureCanvasAgg(figure)
    axes = figure.add_subplot()
    norm = BoundaryNorm(CLASSES_PCT, len(CLASSES_PCT) - 1)
    image = axes.imshow(gain[window], extent=extent, cmap=colours, norm=norm)
    beyond = np.where(above == 1.0, 1.0, np.nan)
    axes.imshow(beyond[window], extent=extent, cmap=ListedColormap(["#b2182b"]))
    assert ground.outlines is not None
    ground.outlines.plot(ax=axes, color="0.25", linewidth=0.35, aspect=None)
    axes.set(xlim=extent[:2], ylim=extent[2:], xlabel="", ylabel="", facecolor="0.86")
    axes.set_aspect(1.0 / np.cos(np.radians(extent[2])))
    axes.tick_params(labelsize=7)
    axes.set_title(
        "Gain in carbon input for 0.1 t C ha⁻¹ yr⁻¹ more than BAU, 20 years\n"
        "red: more carbon input than NPP; grey: not modelled",
        fontsize=10,
    )
    figure.colorbar(image, ax=axes, extend="max", shrink=0.8).set_label("% of BAU", fontsize=8)
    figure.savefig(target, dpi=DPI)
    return paletted(target)


def draw_courses(found: Trajectory, bare: Trajectory, target: Path) -> Path:
    """SOC of one cell beyond BAU, by scenario; dashed: the same without the longer cover."""
    figure = Figure(figsize=(8.2, 4.2), layout="constrained")
    FigureCanvasAgg(figure)
    axes = figure.add_subplot()
    names = {
        "SSM2": "+10 %", "STRAW": "straw, 30 % of the cropland",
        "COVER": "cover crop, 10 % from 2025, 30 % from 2030",
        "MIX": "the same and manure on 10 %",
    }  # fmt: skip
    for colour, (name, label) in zip(COLOURS, names.items(), strict=False):
        _beyond_bau(axes, found, name, color=colour, label=label)
        if name in {"COVER", "MIX"}:
            _beyond_bau(axes, bare, name, color=colour, linestyle="--")
    axes.set_ylabel("SOC beyond BAU [t C ha⁻¹]")
    axes.set_xlabel("year")
    axes.xaxis.set_major_locator(MaxNLocator(integer=True))
    axes.spines[["top", "right"]].set_visible(False)
    axes.legend(fontsize=8, frameon=False, title="dashed: without cover_months", title_fontsize=8)
    figure.savefig(target, dpi=DPI)
    return shrink(target)


def _beyond_bau(axes: Axes, found: Trajectory, name: str, **how: str) -> None:
    months = found.months[found.months["phase"] == "forward"]
    of = {s: months[months["scenario"] == s] for s in ("BAU", name)}
    time = of[name]["year"] + of[name]["month"] / 12.0
    gain = of[name]["soc_tc_ha"].to_numpy() - of["BAU"]["soc_tc_ha"].to_numpy()
    axes.plot(time, gain, linewidth=1.4, **how)


def print_numbers(run: runs.Finished, bare: runs.Finished) -> None:
    """What the page says: means and totals, cells by class, cells cut back."""
    table = run.report.summary
    country = table[table["level"] == "country"].set_index("scenario")
    crops = table[(table["level"] == "land_use") & (table["land_use"] == CROPLAND)]
    crops = crops.set_index("scenario")
    for name in country.index:
        print(
            f"{name}: RSR {country['mean_rsr_tc_ha_per_yr'][name]:.4f} t C/ha/yr, "
            f"{country['total_rsr_mt_co2e_per_yr'][name]:.3f} Mt CO2e/yr; "
            f"cropland {crops['mean_rsr_tc_ha_per_yr'][name]:.4f}"
        )
    uncovered = bare.report.summary
    uncovered = uncovered[uncovered["level"] == "country"].set_index("scenario")
    print("without cover_months:", uncovered["mean_rsr_tc_ha_per_yr"].to_dict())
    gain = run.diagnostic("GainNeeded_RSR01")
    known = gain[np.isfinite(gain)]
    print("gain needed, percentiles 5, 50, 95:", np.percentile(known, [5, 50, 95]))
    print("cells:", known.size, "counts:", run.report.counts["targets"])
    print("cut back to NPP:", run.report.counts["npp_capped_cells"])


def print_checks(out: Path) -> None:
    """What the model makes of practices that were measured: on all cropland, from year one."""
    for years in CHECKED_YEARS:
        more = CHECKS.replace("YEARS", str(years))
        table = runs.finish("north_macedonia", out, more).report.summary
        crops = table[(table["level"] == "land_use") & (table["land_use"] == CROPLAND)]
        gained = crops.set_index("scenario")["mean_rsr_tc_ha_per_yr"]
        print(years, "years, on the land that adopts:", gained.to_dict())


def main() -> None:
    """Run North Macedonia twice and draw."""
    with tempfile.TemporaryDirectory() as folder:
        out = Path(os.environ.get("RECARB_OUT", folder)) / "practices"
        run = runs.finish("north_macedonia", out / "covered", SCENARIOS)
        bare = runs.finish("north_macedonia", out / "bare", WITHOUT_COVER)
        draw_gain_needed(run, IMAGES / "gain_needed.png")
        maps = {name: run.map(f"RSR_{name}_Map030") for name in ("SSM2", "MIX")}
        how = gains(*maps.values())
        titles = {"SSM2": "RSR of +10 %", "MIX": "RSR by practice"}
        shown = [(titles[name], values, how) for name, values in maps.items()]
        side_by_side(IMAGES / "practices_rsr.png", run, shown, "t C ha⁻¹ yr⁻¹")
        paletted(IMAGES / "practices_rsr.png")
        courses = [trajectory(one.config, *CELL) for one in (run, bare)]
        draw_courses(courses[0], courses[1], IMAGES / "practices_courses.png")
        print_numbers(run, bare)
        print_checks(out / "checks")


if __name__ == "__main__":
    main()
