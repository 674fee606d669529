"""Files in their packings become layers; tiles of one map are read as one."""

import numpy as np
import pytest
import rasterio
from affine import Affine
from odc.geo.geobox import GeoBox
from tests.sources import samples
from tests.sources.test_prepare_climate import material

from recarb.core.config import Layer
from recarb.core.errors import InputError, MissingData, WrongContent
from recarb.core.quantities import catalogue
from recarb.harmonise.landuse import load_crosswalk
from recarb.io.raster import describe
from recarb.sources.base import Box
from recarb.sources.layer_out import Out
from recarb.sources.prepare_land import mosaic, write_land_use
from recarb.sources.prepare_soil import depth_weights, soil_layers, write_soil
from recarb.sources.readers import layers_of, rasters_in
from recarb.sources.registry import load_registry
from recarb.sources.target import soc_grid


@pytest.fixture
def out(tmp_path):
    for name in ("staging", "done"):
        (tmp_path / name).mkdir()
    return Out(tmp_path / "done", tmp_path / "staging")


def read(path):
    with rasterio.open(path) as source:
        return source.read(1, masked=True).astype(float).filled(np.nan)


def soilgrids(folder, variable, **values):
    paths = []
    for depth, value in values.items():
        name = f"{variable}_{depth[1:].replace('_', '-')}cm_mean_1000.tif"
        paths.append(folder / name)
        found = value if isinstance(value, np.ndarray) else np.full((9, 9), value, np.int16)
        body = samples.geotiff(found, west=10.0, north=50.0, cell=0.1)
        paths[-1].write_bytes(body)
    return material("soilgrids", variable, paths)


GRID = GeoBox((9, 9), Affine(0.1, 0, 10.0, 0, -0.1, 50.0), "EPSG:4326")


@pytest.mark.parametrize("variable", ["clay", "sand"])
def test_depths_are_weighted_by_thickness(tmp_path, out, variable):
    made = soilgrids(tmp_path, variable, d0_5=100, d5_15=200, d15_30=400)
    path = write_soil(made, soil_layers(made, out.staging), GRID, {}, out)
    assert np.allclose(read(path), (5 * 10 + 10 * 20 + 15 * 40) / 30)


def test_a_cell_that_one_depth_does_not_know_stays_unknown(tmp_path, out):
    hole = np.full((9, 9), 200, np.int16)
    hole[4, 4] = -32768
    made = soilgrids(tmp_path, "clay", d0_5=100, d5_15=hole, d15_30=400)
    found = read(write_soil(made, soil_layers(made, out.staging), GRID, {}, out))
    assert np.isnan(found[4, 4])
    assert np.isnan(found).sum() == 1


@pytest.mark.parametrize(
    "depths", [["0-5cm", "15-30cm"], ["5-15cm", "15-30cm"], ["0-5cm", "5-15cm"],
               ["0-30cm", "15-30cm"]],
)  # fmt: skip
def test_depths_that_are_not_the_topsoil_are_refused(depths):
    with pytest.raises(MissingData, match="depths that make up 0-30 cm"):
        depth_weights(load_registry()["soilgrids"], depths)


def test_a_map_of_units_is_no_clay(tmp_path, out):
    path = tmp_path / "HWSD2_RASTER.zip"
    path.write_bytes(samples.zipped(**{"HWSD2.bil": b"x"}))
    with pytest.raises(InputError, match="--source clay=soilgrids"):
        soil_layers(material("hwsd", "clay", [path]), out.staging)


def test_a_map_in_a_zip_that_names_no_crs(tmp_path, out):
    body = samples.geotiff(np.full((9, 9), 2, np.uint8), west=10.0, north=50.0, crs=None,
                           cell=0.1, nodata=None)  # fmt: skip
    path = tmp_path / "GlcShare_v10_Dominant.zip"
    path.write_bytes(samples.zipped(**{"../up/glc_shv10_DOM.Tif": body, "readme.txt": b"."}))
    (layer,) = layers_of(material("glc_share", "land_cover", [path]), "land_use", out.staging)
    assert layer.geobox.crs == "EPSG:4326"
    assert layer.layer.path.parent.parent == out.staging  # no path inside a zip leads elsewhere


def test_a_zip_without_a_map(tmp_path):
    path = tmp_path / "x.zip"
    path.write_bytes(samples.zipped(**{"readme.txt": b"."}))
    with pytest.raises(WrongContent, match="zip with a raster"):
        rasters_in(path, tmp_path)


# ------------------------------------------------------------------------------------- land cover


def land_layer(folder, name, codes, west, north):
    path = folder / name
    path.write_bytes(samples.geotiff(codes, west=west, north=north, cell=1 / 360, nodata=None))
    return describe("land_use", Layer(path=path), catalogue()["land_use"])


def test_cells_on_the_edge_of_two_tiles_are_voted_in_once(tmp_path, out):
    rng = np.random.default_rng(3)
    codes = rng.choice([10, 130, 190, 210], (90, 90)).astype(np.uint8)
    whole = mosaic([land_layer(tmp_path, "all.tif", codes, 10.0, 50.0)])
    tiles = mosaic([
        land_layer(tmp_path, f"{i}{j}.tif", codes[i * 40 : i * 40 + 50, j * 40 : j * 40 + 50],
                   10.0 + j * 40 / 360, 50.0 - i * 40 / 360)
        for i in range(2) for j in range(2)
    ])  # fmt: skip
    grid = GeoBox((28, 28), Affine(1 / 113, 0, 10.0, 0, -1 / 113, 50.0), "EPSG:4326")
    table = load_crosswalk()
    pairs = [write_land_use(name, one, table, grid, {}, out)
             for name, one in (("whole", whole), ("tiles", tiles))]  # fmt: skip
    for one, other in zip(*pairs, strict=True):
        assert np.array_equal(read(one), read(other), equal_nan=True)


def test_north_of_80_there_is_no_land_cover_and_none_is_invented(tmp_path, out):
    layer = land_layer(tmp_path, "a.tif", np.full((90, 90), 10, np.uint8), 50.0, 80.0)
    grid = GeoBox((60, 30), Affine(1 / 120, 0, 50.0, 0, -1 / 120, 80.25), "EPSG:4326")
    path, shares = write_land_use("land_use", mosaic([layer]), load_crosswalk(), grid, {}, out)
    for found in (read(path), read(shares)):
        assert np.isnan(found[:30]).all()
        assert np.isfinite(found[30:]).all()


def test_both_sides_of_180(tmp_path, out):
    """Islands on both sides: each side's cells hold what that side's file says."""
    boxes = (Box(-180.0, -17.1, -179.9, -17.0), Box(179.9, -17.1, 180.0, -17.0))
    paths = []
    for west, value in ((-180.0, 40), (179.9, 60)):
        paths.append(tmp_path / f"{value}" / "GSOCmap1.6.1.tif")
        paths[-1].parent.mkdir()
        values = np.full((12, 12), value, np.float32)
        body = samples.geotiff(values, west=west, north=-17.0, cell=1 / 120, nodata=-3.4e38)
        paths[-1].write_bytes(body)
    made = material("gsocmap", "soc", paths)
    layers = soil_layers(made, out.staging)
    grid = soc_grid(layers[""][1], boxes, 0.0, snap=False)
    found = read(write_soil(made, layers, grid, {}, out))
    assert found.shape == (12, 43200)
    assert (found[:, :12] == 40).all()
    assert (found[:, -12:] == 60).all()
    assert np.isnan(found[:, 12:-12]).all()
