"""Draw `docs/img/variants.png` and fill the tables of `docs/science/variants.md`.

Run from the root of the repository, with the data folder in RECARB_DATA (or ../shared/data):
`python -m docs.figures.variants`. The maps go to a temporary folder.
"""

import tempfile
from collections.abc import Iterable
from pathlib import Path

import numpy as np
from docs.figures import real_maps
from docs.figures.real_tables import MINUS, fill, number, table
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.colors import TwoSlopeNorm
from matplotlib.figure import Figure
from numpy.typing import NDArray
from tests.real import runs

from recarb.sequestration import pipeline
from recarb.sequestration.inputs import CountryInputs
from recarb.sequestration.simulate import simulate

Floats = NDArray[np.float64]

DOCS = Path(__file__).resolve().parents[1]
PATH, PAGE = DOCS / "img" / "variants.png", DOCS / "science" / "variants.md"
GAIN = "RSR_SSM3_Map030"
PADDY, NORTH_OF = 13, 0.0
LARGEST_CHANGE_PCT = 60.0
SOIL = "$RECARB_DATA/iberia/soil_lpjguess_0p5deg_pct.tif"
DRY = f"""
[inputs.silt]
path = "{SOIL}"
band = 2
unit = "%"
[inputs.organic_carbon]
path = "{SOIL}"
band = 4
unit = "%"
[model.variant]
bulk_density_g_cm3 = 1.35 # own choice: the data hold none
moisture = """
STANDARD = "RothC-26.3"
IBERIA = {  # what is added to tests/real/iberia.toml
    STANDARD: "",
    "least rate 0.1": "\n[model]\nrothc = { moist_min = 0.1 }\n",
    "bare soil to -15 bar": '\n[model.variant]\nbare_limit = "15_bar"\n',
    "van Genuchten, -1000 bar": f'{DRY}"van_genuchten"\n',
    "van Genuchten, -15 bar": f'{DRY}"van_genuchten_15_bar"\n',
    "mixed cover": '\n[model.variant]\ncover = "mixed"\n',
    "analytical spin-up": '\n[model.variant]\nspin_up = "analytical"\n',
    "depth 20 cm": "\n[model]\ndepth_cm = 20.0\n",
    "depth 60 cm": "\n[model]\ndepth_cm = 60.0\n",
}
DRAWN = tuple(name for name in IBERIA if name not in {STANDARD, "van Genuchten, -15 bar"})
SEASONAL = '\n[model.variant]\npaddy = "seasonal"\nflooded_months = [6, 7, 8, 9]\n'
NO_CHAINS = "\n[uncertainty]\nchains = false\n"


def gain(run: runs.Finished) -> Floats:
    """Relative rate at +20 % [t C ha-1 yr-1], by whatever depth its map is named."""
    depth = f"{run.config.model.depth_cm:03.0f}"
    return run.map(GAIN.removesuffix("030") + depth)


def run_all(out: Path, names: Iterable[str] = IBERIA) -> dict[str, runs.Finished]:
    """Iberia by every variant; that some need more input than grows is what is to be shown."""
    found = {}
    for name in names:
        print(f"running {name}", flush=True)
        config = runs.load("iberia", out / name.replace(" ", "_"), IBERIA[name] + NO_CHAINS)
        config = config.model_copy(update={"accept": ("c_eq_above_npp",)})
        found[name] = runs.Finished(config, pipeline.run(config, overwrite=True))
    return found


def rows_of(found: dict[str, runs.Finished]) -> str:
    """What each variant does to the rate modifier, the input and the gain."""
    plain = gain(found[STANDARD])
    rows = []
    for name, run in found.items():
        values, cells = gain(run), np.isfinite(gain(run))
        change = 100.0 * (values[cells] / plain[cells] - 1.0)
        low, middle, high = np.percentile(change, [5.0, 50.0, 95.0])
        country = run.report.summary.query("level == 'country' and scenario == 'SSM3'").iloc[0]
        shown = (
            ""
            if name == STANDARD
            else f"{middle:+.1f} ({low:+.1f} to {high:+.1f})".replace("-", MINUS)
        )
        rows.append(
            [
                name,
                number(float(np.median(run.diagnostic("rate_spin_up")[cells]))),
                number(float(np.median(run.diagnostic("C_eq_over_NPP")[cells]))),
                f"{np.median(values[cells]):.3f}",
                shown,
                number(float(country["total_rsr_mt_c_per_yr"])),
            ]
        )
    header = ("variant", "rate modifier [-]", "C_eq / NPP [-]", "RSR [t C ha⁻¹ yr⁻¹]",
              "change of RSR [%], median (5 to 95 % of cells)", "total [Mt C yr⁻¹]")  # fmt: skip
    return table(header, rows)


def paddies(out: Path) -> str:
    """The paddies of the northern world, uniform and by a calendar of four months."""
    rates, gains = {}, {}
    for name, more in (("uniform, 0.4", ""), ("under water June to September", SEASONAL)):
        config = runs.load("global_0p5deg", out, more + NO_CHAINS)
        inputs = CountryInputs(config)
        cells = inputs.load().cells
        north = inputs.grid.transform.f + inputs.grid.transform.e * cells["row"].values > NORTH_OF
        maps = simulate(cells.isel(cell=north & (cells["land_use"].values == PADDY)), config)
        rates[name], gains[name] = maps["rate_forward"].values, maps["RSR_SSM3"].values
    rows = [
        [name, f"{rates[name].size:,}", f"{np.nanmedian(rates[name]):.2f}",
         f"{np.nanmedian(gains[name]):.3f}"]
        for name in rates
    ]  # fmt: skip
    header = ("paddies of the north", "cells", "rate modifier [-]", "RSR [t C ha⁻¹ yr⁻¹]")
    return table(header, rows)


def draw(found: dict[str, runs.Finished], path: Path = PATH) -> None:
    """The gain of RothC-26.3, and by how much each variant changes it."""
    standard = found[STANDARD]
    plain, ground = gain(standard), real_maps.ground_of_run(standard)
    window, extent = real_maps.cropped(plain, real_maps.extent_of(standard))
    stretch = 1.0 / np.cos(np.radians((extent[2] + extent[3]) / 2.0))
    figure = Figure(figsize=(11.0, 5.4), layout="compressed")
    FigureCanvasAgg(figure)
    norm = TwoSlopeNorm(0.0, -LARGEST_CHANGE_PCT, LARGEST_CHANGE_PCT)
    changes = [(n, 100.0 * (gain(found[n]) / plain - 1.0)) for n in DRAWN]
    for i, (name, values) in enumerate([(STANDARD, plain), *changes]):
        axes = figure.add_subplot(2, 4, i + 1)
        how = real_maps.gains(plain) if i == 0 else {"cmap": "PuOr_r", "norm": norm}
        how.pop("extend", None)
        image = axes.imshow(values[window], extent=extent, interpolation="nearest", **how)
        real_maps._frame(axes, extent, ground, float(stretch))
        axes.set_title(name, fontsize=9)
        label = "t C ha$^{-1}$ yr$^{-1}$" if i == 0 else "change [%]"
        beside = axes.inset_axes((1.02, 0.0, 0.04, 1.0))
        bar = figure.colorbar(image, cax=beside, extend="max" if i == 0 else "both")
        bar.set_label(label, fontsize=7)
        beside.tick_params(labelsize=6)
    figure.savefig(path, dpi=110, bbox_inches="tight")
    real_maps.shrink(path)


def main() -> None:
    """All runs, the figure and the tables."""
    with tempfile.TemporaryDirectory() as folder:
        found = run_all(Path(folder))
        draw(found)
        fill(PAGE, {"iberia": rows_of(found), "paddies": paddies(Path(folder))})


if __name__ == "__main__":
    main()
