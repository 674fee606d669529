"""Bhutan's submitted maps against recarb's, under both protocols: figures of `docs/howto/compare`.

Run from the root of the repository, with the data folder in RECARB_DATA (or ../shared/data):
`python -m docs.figures.comparison`. Prints the tables that stand on the page.
"""

import shutil
import tempfile
from pathlib import Path
from unittest import mock

from tests.real import runs
from tests.realdata import data_folder

from recarb.reports.compare_figures import draw_pair
from recarb.sequestration.compare import MapPair, Options, compare

IMAGES = Path(__file__).resolve().parents[1] / "img" / "compare"
SHOWN = ("T0_Map030.png", "RSR_SSM1_Map030.png", "RSR_SSM1_Map030_scatter.png")
MISSING = -999.0  # in the submitted maps, inside the country
COLUMNS = ["map", "cells", "implausible_in_a", "mean_a", "mean_b", "rmse", "correlation"]


def bhutan(protocol: str, out: Path) -> Path:
    """The maps of Bhutan under a protocol."""
    text = f'protocol = "{protocol}"\n' + runs.toml_text(runs.BHUTAN)
    with mock.patch.object(runs, "toml_text", lambda _: text):
        return Path(runs.finish(runs.BHUTAN, out).report.folder)


def main() -> None:
    folder = Path(tempfile.mkdtemp())
    submitted = data_folder() / runs.BHUTAN_OFFICIAL
    for protocol in ("fao-r", "rothc-26.3"):
        maps = bhutan(protocol, folder / protocol)

        def draw(pair: MapPair, target: Path, name: str = protocol) -> None:
            draw_pair(pair, target, ("A: as submitted", f"B: recarb, {name}"))

        options = Options(nodata=(MISSING,))
        found = compare(submitted, maps, folder / f"against_{protocol}", options, pictures=draw)
        print(f"submitted against {protocol}")
        print(found.table[COLUMNS].to_string(index=False, float_format=lambda v: f"{v:.3g}"))
        if protocol == "rothc-26.3":
            IMAGES.mkdir(parents=True, exist_ok=True)
            for name in SHOWN:
                shutil.copy(found.folder / "pictures" / name, IMAGES / name)
    both = compare(folder / "fao-r" / "bhutan", maps, folder / "protocols")
    print("fao-r against rothc-26.3")
    print(both.table[COLUMNS].to_string(index=False, float_format=lambda v: f"{v:.3g}"))


if __name__ == "__main__":
    main()
