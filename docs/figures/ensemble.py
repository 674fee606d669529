"""Draw `docs/img/ensemble.png` and fill the tables of `docs/science/ensemble.md`.

North Macedonia and Iberia with ICBM and the Tier 2 method beside RothC. Run from the root of the
repository, with the data folder in RECARB_DATA: `python -m docs.figures.ensemble`.
"""

import tempfile
from pathlib import Path

import numpy as np
from docs.figures import real_maps, real_tables
from numpy.typing import NDArray
from tests.real import runs

Floats = NDArray[np.float64]

DOCS = Path(__file__).resolve().parents[1]
IMAGE = DOCS / "img" / "ensemble.png"
PAGE = DOCS / "science" / "ensemble.md"
VERSIONS = {
    "RothC": "",
    "ICBM": "icbm_",
    "Tier 2, full tillage": "ipcc-tier2-full_",
    "Tier 2, no tillage": "ipcc-tier2-none_",
}
GAIN = 0.2
YEARS = 20


class Maps:
    """The maps of a run, by version and stem, where all models have a number."""

    def __init__(self, run: runs.Finished) -> None:
        self.run = run
        self.everywhere = np.isfinite(self._ensemble("ensemble_RSR_SSM3_mean"))

    def _ensemble(self, stem: str) -> Floats:
        return runs.read_map(
            self.run.report.folder / "ensemble" / f"{self.run.config.iso3}_{stem}.tif"
        )

    def of(self, version: str, stem: str) -> Floats:
        """One map of one version, (y, x)."""
        if version:
            found = self._ensemble(version + stem)
        elif stem == "C_eq":
            found = self.run.diagnostic(stem)
        else:
            found = self.run.map(f"{stem}_Map030")
        return np.where(self.everywhere, found, np.nan)

    def spread(self, stem: str) -> Floats:
        """One map of the ensemble, (y, x)."""
        return self._ensemble(f"ensemble_{stem}")

    def row(self, name: str, version: str) -> list[str]:
        """Medians over the cells: input, rates, and the part of the way gone."""
        here = self.everywhere
        c_eq, t0, bau = (self.of(version, s)[here] for s in ("C_eq", "T0", "ASR_BAU"))
        rsr = self.of(version, "RSR_SSM3")[here]
        gone = rsr * YEARS / (GAIN * t0)
        rate = real_tables.rate
        return [
            name,
            real_tables.number(float(np.median(c_eq))),
            rate(float(np.median(bau))),
            rate(float(np.median(rsr))),
            rate(float(np.percentile(rsr, 5.0))),
            rate(float(np.percentile(rsr, 95.0))),
            real_tables.percent(float(np.median(gone))),
        ]


HEADER = ("median over the cells", "C_eq [t C ha⁻¹ yr⁻¹]", "ASR, BAU", "RSR at +20 %", "5 %",
          "95 %", "gain after 20 years / 20 % of T0")  # fmt: skip


def medians(maps: Maps) -> str:
    """One row for each version."""
    return real_tables.table(HEADER, [maps.row(*version) for version in VERSIONS.items()])


def apart(maps: Maps) -> str:
    """How far the models lie apart, in words."""
    mean, low, high, sd = (maps.spread(f"RSR_SSM3_{s}")[maps.everywhere]
                           for s in ("mean", "min", "max", "sd"))  # fmt: skip
    of_mean = real_tables.percent(float(np.median(sd / mean)))
    return (
        f"- Ensemble mean of RSR at +20 %: median {real_tables.rate(float(np.median(mean)))} "
        f"t C ha⁻¹ yr⁻¹; standard deviation {of_mean} of it.\n"
        f"- Most / least of the models: median {float(np.median(high / low)):.1f}, "
        f"5 to 95 % of the cells {float(np.percentile(high / low, 5.0)):.1f} to "
        f"{float(np.percentile(high / low, 95.0)):.1f}."
    )


def reasons(run: runs.Finished) -> str:
    """Cells of each model by reason, as counted."""
    counts = run.report.counts["ensemble_cells"]
    rows = [[*key.split("/"), f"{cells:,}"] for key, cells in counts.items()]
    return real_tables.table(("model", "reason", "cells"), rows)


def draw(maps: Maps) -> None:
    """The rates of three models and the spread, on North Macedonia."""
    tier2 = (
        maps.of("ipcc-tier2-full_", "RSR_SSM3") + maps.of("ipcc-tier2-none_", "RSR_SSM3")
    ) / 2.0
    rates = {"RothC": maps.of("", "RSR_SSM3"), "ICBM": maps.of("icbm_", "RSR_SSM3"),
             "IPCC Tier 2, mean of full and no tillage": tier2}  # fmt: skip
    how = real_maps.gains(*rates.values())
    spread = maps.spread("RSR_SSM3_max") - maps.spread("RSR_SSM3_min")
    panels = [(f"RSR at +20 %: {name}", values, how) for name, values in rates.items()]
    panels.append(("most minus least of the models", spread, how))
    real_maps.side_by_side(IMAGE, maps.run, panels, "t C ha$^{-1}$ yr$^{-1}$", columns=2)


def main() -> None:
    """Regenerate the figure and the tables."""
    with tempfile.TemporaryDirectory() as scratch:
        found = {name: Maps(runs.finish(name, Path(scratch), runs.ensemble(name)))
                 for name in ("north_macedonia", "iberia")}  # fmt: skip
        draw(found["north_macedonia"])
        tables = {"reasons": reasons(found["north_macedonia"].run)}
        for name, maps in found.items():
            tables[name] = medians(maps)
            tables[f"{name}_apart"] = apart(maps)
        real_tables.fill(PAGE, tables)


if __name__ == "__main__":
    main()
