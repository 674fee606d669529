"""The refined world: windows of it join, and about as many cells run as were asked for."""

import numpy as np
import pytest
import rasterio
from bench.rasters import SYNTHETIC
from bench.world import COLUMNS, REAL_RUN, ROWS, Coarse, maps, window_of, write_world
from tests.bench.cases import drawn
from tests.realdata import data_folder, requires

from recarb.core.config import load_config
from recarb.sequestration import pipeline

pytestmark = [pytest.mark.realdata, requires("global_0p5deg")]
CELLS = 3_000


@pytest.fixture(autouse=True)
def folders(monkeypatch, tmp_path):
    monkeypatch.setenv("RECARB_DATA", str(data_folder()))
    monkeypatch.setenv("RECARB_OUT", str(tmp_path))


@pytest.fixture(scope="module")
def coarse():
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("RECARB_DATA", str(data_folder()))
        patch.setenv("RECARB_OUT", "unused")
        return Coarse.of(load_config(REAL_RUN))


def test_about_fifty_million_cells_run_on_the_globe(coarse):
    assert coarse.farmed().sum() == pytest.approx(50e6, rel=0.1)


@pytest.mark.parametrize("cells", [10_000, 1_000_000, 30_000_000])
def test_a_window_holds_about_the_cells_asked_for(coarse, cells):
    farmed = coarse.farmed()
    rows, columns = window_of(farmed, cells)
    inside = farmed[rows.start // 40 : rows.stop // 40, columns.start // 40 : columns.stop // 40]
    assert inside.sum() == pytest.approx(cells, rel=0.5)
    larger, wider = window_of(farmed, 3 * cells)
    assert larger.start <= rows.start < rows.stop <= larger.stop
    assert wider.start <= columns.start < columns.stop <= wider.stop


def test_who_asks_for_all_gets_the_globe(coarse):
    assert window_of(coarse.farmed(), 50_000_000) == (slice(0, ROWS), slice(0, COLUMNS))


def test_a_cell_is_the_same_in_every_window_of_the_globe(coarse):
    globe = maps(coarse, slice(0, ROWS), slice(0, COLUMNS))
    here = maps(coarse, slice(5000, 5400), slice(24000, 24800))
    for name in globe:
        whole = drawn(globe[name][1], slice(5100, 5200), slice(24300, 24400))
        part = drawn(here[name][1], slice(100, 200), slice(300, 400))
        assert whole.tobytes() == part.tobytes(), name
        assert np.isfinite(whole).any()


@pytest.mark.slow
def test_a_small_window_runs_to_the_end(tmp_path):
    config = load_config(write_world(tmp_path, CELLS))
    report = pipeline.run(config)
    assert report.ledger.failed == 0
    assert report.ledger.run == pytest.approx(CELLS, rel=0.5)
    for path in tmp_path.glob("*.tif"):
        with rasterio.open(path) as file:
            assert file.tags()["note"] == SYNTHETIC
