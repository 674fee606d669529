"""Run the real countries and regenerate every figure and table of `docs/real`.

Run from the root of the repository, with the data folder in RECARB_DATA (or ../shared/data):
`python -m docs.figures.real_runs`. The maps go to RECARB_OUT, or to a temporary folder.
"""

import os
import tempfile
from collections.abc import Callable
from pathlib import Path

from docs.figures import real_maps, real_tables
from matplotlib.colors import Normalize
from tests.real import runs

from recarb.reports.figures import draw_overview
from recarb.reports.point_figures import draw_trajectory
from recarb.sequestration.point import Trajectory, trajectory

DOCS = Path(__file__).resolve().parents[1]
PAGES, IMAGES = DOCS / "real", DOCS / "img" / "real"
CALENDAR, COVERED = "table and crop calendar", "covered all year"

CELLS = {  # whose trajectory is drawn
    "iberia": (-4.25, 40.25),
    "zambia_eastern": (30.63, -14.14),
    "north_macedonia": (21.456, 41.368),
    "global_0p5deg": (-61.75, -34.25),
}
WET_OR_DRY = {"the Central System, -4.25, 40.25": (-4.25, 40.25),
              "the Ebro basin, -0.25, 41.25": (-0.25, 41.25)}  # fmt: skip


class Book:
    """All runs, each done once."""

    def __init__(self, out: Path) -> None:
        self.out = out
        self.done: dict[tuple[str, str], runs.Finished] = {}

    def run(self, name: str, more: str = "") -> runs.Finished:
        """A finished run; variants lie in a folder of their own."""
        if (name, more) not in self.done:
            folder = self.out / "full_cover" if more else self.out
            print(f"running {name}{' under full cover' if more else ''}")
            self.done[name, more] = runs.finish(name, folder, more)
        return self.done[name, more]

    def covers(self, name: str) -> dict[str, runs.Finished]:
        """The run by crop calendar and the one under full cover."""
        return {CALENDAR: self.run(name), COVERED: self.run(name, runs.FULL_COVER)}


def overview(run: runs.Finished, name: str) -> None:
    """The main maps and the trajectory of one cell."""
    ground = real_maps.ground_of_run(run)
    target = draw_overview(run.report.folder, run.config, ground, IMAGES / f"{name}_overview.png")
    real_maps.shrink(target)
    found = trajectory(run.config, *CELLS[name])
    real_maps.shrink(draw_trajectory(found, IMAGES / f"{name}_trajectory.png"))


def need(named: dict[str, runs.Finished], name: str) -> None:
    """C_eq / NPP under two plant covers."""
    maps = [
        (f"C_eq / NPP, {cover}", of.diagnostic("C_eq_over_NPP"), real_maps.share_of_npp())
        for cover, of in named.items()
    ]
    run = next(iter(named.values()))
    real_maps.side_by_side(IMAGES / f"{name}_need.png", run, maps, "C_eq / NPP [-]")


def gain(named: dict[str, runs.Finished], name: str) -> None:
    """Relative rate at +20 % under two plant covers."""
    run = next(iter(named.values()))
    rates = {cover: of.map("RSR_SSM3_Map030") for cover, of in named.items()}
    how = real_maps.gains(*rates.values())
    maps = [(f"RSR at +20 %, {cover}", rate, how) for cover, rate in rates.items()]
    real_maps.side_by_side(IMAGES / f"{name}_gain.png", run, maps, "t C ha$^{-1}$ yr$^{-1}$")


def iberia(book: Book) -> dict[str, str]:
    """Figures and tables of the page on Iberia."""
    run, named = book.run("iberia"), book.covers("iberia")
    overview(run, "iberia")
    need(named, "iberia")
    cells: list[tuple[str, Trajectory, Trajectory]] = [
        (title, *(trajectory(of.config, *place) for of in named.values()))
        for title, place in WET_OR_DRY.items()
    ]
    real_maps.moisture_years(IMAGES / "iberia_moisture.png", cells)
    return {
        "cropped": real_tables.cropped_months(run),
        "mean_year": real_tables.mean_year(named),
        "units": real_tables.units(run, "country"),
    }


def zambia(book: Book) -> dict[str, str]:
    """Figures and tables of the page on eastern Zambia."""
    run, named = book.run("zambia_eastern"), book.covers("zambia_eastern")
    overview(run, "zambia_eastern")
    need(named, "zambia_eastern")
    return {
        "cropped": real_tables.cropped_months(run),
        "mean_year": real_tables.mean_year(named),
        "units": real_tables.units(run, "province"),
    }


def north_macedonia(book: Book) -> dict[str, str]:
    """Figures and tables of the page on North Macedonia."""
    run, evi = book.run("north_macedonia"), book.run(runs.EVI)
    named = {CALENDAR: run, "cover from EVI": evi}
    overview(run, "north_macedonia")
    need(named, "north_macedonia")
    gain(named, "north_macedonia")
    path = evi.config.inputs.cover.path if evi.config.inputs.cover else Path()
    months = sum(runs.read_map(path, month + 1) for month in range(12))
    by_table = real_tables.covered_months(run)
    months[~(by_table >= 0)] = float("nan")
    how = {"cmap": "YlGn", "norm": Normalize(0, 12)}
    maps = [(f"covered months, {CALENDAR}", by_table, how), ("covered months, EVI", months, how)]
    real_maps.side_by_side(IMAGES / "north_macedonia_cover.png", run, maps, "months")
    return {
        "evi_toml": real_tables.toml(runs.EVI),
        "evi": real_tables.covers(named),
        "thresholds": real_tables.evi_thresholds(evi, run),
        "needs": real_tables.needs(named),
        "codes": real_tables.land_cover(run),
    }


def world(book: Book) -> dict[str, str]:
    """Figures and tables of the page on the world."""
    run, named = book.run("global_0p5deg"), book.covers("global_0p5deg")
    overview(run, "global_0p5deg")
    need(named, "global_0p5deg")
    gain(named, "global_0p5deg")
    return {
        "cropped": real_tables.cropped_months(run),
        "orientation": real_tables.orientation(*named.values()),
        "latitudes": real_tables.latitudes(named),
        "needs": real_tables.needs(named),
        "units": real_tables.units(run, "country"),
    }


PAGES_OF: dict[str, tuple[str, Callable[[Book], dict[str, str]]]] = {
    "iberia": ("iberia.md", iberia),
    "zambia_eastern": ("zambia_eastern.md", zambia),
    "north_macedonia": ("north_macedonia.md", north_macedonia),
    "global_0p5deg": ("world.md", world),
}


def main() -> None:
    """Regenerate everything."""
    IMAGES.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory() as scratch:
        book = Book(Path(os.environ.get("RECARB_OUT", scratch)))
        for name, (page, own) in PAGES_OF.items():
            run = book.run(name)
            tables = own(book) | {
                "toml": real_tables.toml(name),
                "facts": real_tables.facts(run),
                "summary": real_tables.summary(run),
                "fates": real_tables.fates(run),
                "ranges": real_tables.ranges(run),
            }
            if name != "north_macedonia":
                tables["cover"] = real_tables.covers(book.covers(name))
                tables["full_cover"] = real_tables.full_cover()
            real_tables.fill(PAGES / page, tables)
            print(f"written: {page}")


if __name__ == "__main__":
    main()
