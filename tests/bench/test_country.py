"""The synthetic country runs to its end, and its windows join."""

import numpy as np
import pytest
import rasterio
from bench.country import Country, land_cover, soil_maps, write_country
from bench.country_run import cells_run
from bench.io_floor import read_inputs, write_maps
from bench.rasters import BLOCK, SYNTHETIC
from tests.bench.cases import drawn

from recarb.core.config import load_config
from recarb.sequestration import pipeline

CELLS = 2_000


@pytest.fixture(scope="module")
def ran(tmp_path_factory):
    """A tiny country that was run."""
    folder = tmp_path_factory.mktemp("country")
    config = load_config(write_country(folder, CELLS))
    return config, pipeline.run(config)


@pytest.mark.slow
def test_a_tiny_country_runs_to_the_end(ran):
    config, report = ran
    assert report.ledger.failed == 0
    assert report.ledger.run == cells_run(config)
    assert report.ledger.run == pytest.approx(CELLS, rel=0.25)
    assert not [f for f in report.findings if f.severity.value in {"error", "suspicious"}]


@pytest.mark.slow
def test_the_floor_reads_every_input_and_writes_as_many_maps(ran, tmp_path):
    config, report = ran
    maps = sorted(report.folder.rglob("*.tif"))
    assert write_maps(config, tmp_path) == len(maps)
    written = sorted(tmp_path.glob("*.tif"))
    assert len(written) == len(maps)
    with (
        rasterio.open(tmp_path / "T0.tif") as floor,
        rasterio.open(report.folder / "XBC_GSOCseq_T0_Map030.tif") as run,
    ):
        assert floor.profile == run.profile
        assert (floor.read_masks(1) == run.read_masks(1)).all()
    grids = {path.name: 0 for path in report.folder.parent.glob("*.tif")}
    for name in grids:
        with rasterio.open(report.folder.parent / name) as file:
            grids[name] = file.width * file.height * file.count
    assert read_inputs(config) == sum(grids.values())


def test_cover_is_written_when_it_is_asked_for(tmp_path):
    config = load_config(write_country(tmp_path, CELLS, cover=True))
    assert config.inputs.cover is not None
    with rasterio.open(config.inputs.cover.path) as file:
        assert file.count == 12


def test_every_file_says_that_it_is_synthetic(tmp_path):
    write_country(tmp_path, CELLS)
    for path in tmp_path.iterdir():
        if path.suffix == ".tif":
            with rasterio.open(path) as file:
                assert file.tags()["note"] == SYNTHETIC
        else:
            assert SYNTHETIC in path.read_text(encoding="utf-8")


def test_files_are_the_same_whatever_is_drawn_at_once(tmp_path):
    cells = 40_000  # more than one window along each side
    write_country(tmp_path / "whole", cells)
    write_country(tmp_path / "parts", cells, window=BLOCK)
    for path in (tmp_path / "whole").glob("*.tif"):
        with rasterio.open(path) as one, rasterio.open(tmp_path / "parts" / path.name) as other:
            assert one.read().tobytes() == other.read().tobytes(), path.name


def test_a_window_has_the_bits_of_the_whole():
    country = Country.of(CELLS)
    for _, draw in (*soil_maps(country).values(), land_cover(country)):
        whole = drawn(draw, slice(0, 40), slice(0, 60))
        part = drawn(draw, slice(13, 29), slice(7, 60))
        assert part.tobytes() == np.ascontiguousarray(whole[:, 13:29, 7:]).tobytes()


@pytest.mark.parametrize("cells", [10_000, 300_000, 1_000_000])
def test_size_and_place(cells):
    country = Country.of(cells)
    height = country.rows.stop - country.rows.start
    width = country.columns.stop - country.columns.start
    assert height * width == pytest.approx(1.8 * cells, rel=0.05)
    assert (country.rows.start % 5, country.columns.start % 5, height % 5) == (0, 0, 0)
