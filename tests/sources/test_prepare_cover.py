"""NDVI images become the share of time under plants."""

from dataclasses import replace

import numpy as np
import pytest
import rasterio
from affine import Affine
from odc.geo.geobox import GeoBox
from tests.sources import samples
from tests.sources.test_prepare_climate import material

from recarb.core.errors import ConfigError, MissingData, OutOfRange
from recarb.sources.layer_out import Out
from recarb.sources.prepare_cover import images_of, load_rules, write_cover

SINUSOIDAL = "+proj=sinu +lon_0=0 +R=6371007.181 +units=m"
GRID = GeoBox((8, 8), Affine(1 / 120, 0, 0.1, 0, -1 / 120, 0.2), "EPSG:4326")
RULES = load_rules()


def image(folder, day, ndvi, reliability, tile="h18v08"):
    """One composite around 0 E 0 N: two files as the catalogue names them."""
    paths = []
    for name, value, nodata in (("NDVI", ndvi, -3000), ("pixel_reliability", reliability, 255)):
        kind = np.int16 if name == "NDVI" else np.uint8
        values = value if isinstance(value, np.ndarray) else np.full((80, 80), value)
        body = samples.geotiff(values.astype(kind), crs=SINUSOIDAL, west=0.0, north=30000.0,
                               cell=463.3127, nodata=nodata)  # fmt: skip
        paths.append(folder / f"MOD13A1.A{day}.{tile}.061.2021_500m_16_days_{name}.tif")
        paths[-1].write_bytes(body)
    return paths


@pytest.fixture
def out(tmp_path):
    for name in ("staging", "done"):
        (tmp_path / name).mkdir()
    return Out(tmp_path / "done", tmp_path / "staging")


def cover(paths, out, rules=RULES):
    path, gaps = write_cover(material("modis_ndvi", "ndvi", paths), rules, GRID, {}, out)
    with rasterio.open(path) as source:
        assert "ndvi_above" in source.tags()["COVER_RULES"]
        return source.read(masked=True).astype(float).filled(np.nan), gaps


def test_the_share_of_green_among_good_images(tmp_path, out):
    paths = [
        *image(tmp_path, "2015001", 7000, 0), *image(tmp_path, "2016001", 5000, 1),
        *image(tmp_path, "2017001", 8000, 0), *image(tmp_path, "2018001", 9000, 3),  # cloud
        *image(tmp_path, "2015185", 6000, 0),  # July, not above the threshold
    ]  # fmt: skip
    found, gaps = cover(paths, out)
    assert np.allclose(found[0], 2 / 3)
    assert np.allclose(found[6], 0.0)
    assert np.allclose(found[[1, 2, 3, 11]], 1.0)  # no image: as the rules say
    assert gaps == 10 * 64


def test_the_middle_of_a_composite_says_its_month(tmp_path):
    material_ = material("modis_ndvi", "ndvi", image(tmp_path, "2015353", 1, 0))
    assert images_of(material_)["h18v08"][0].month == 11  # 19 to 31 December
    later = material("modis_ndvi", "ndvi", image(tmp_path, "2015025", 1, 0))
    assert images_of(later)["h18v08"][0].month == 1  # 25 January + 8 days


def test_without_a_rule_for_gaps_they_stay_gaps(tmp_path, out):
    rules = RULES.model_copy(update={"share_without_images": None})
    found, _ = cover(image(tmp_path, "2015001", 7000, 0), out, rules)
    assert np.allclose(found[0], 1.0)
    assert np.isnan(found[1:]).all()


def test_a_wrong_scale_is_refused(tmp_path, out):
    rules = RULES.model_copy(update={"scale": 1.0})
    with pytest.raises(OutOfRange, match="expected NDVI from"):
        cover(image(tmp_path, "2015001", 7000, 0), out, rules)


def test_an_image_without_its_reliability_is_refused(tmp_path):
    one = material("modis_ndvi", "ndvi", image(tmp_path, "2015001", 7000, 0))
    alone = replace(one, paths=one.paths[:1])
    with pytest.raises(MissingData, match="has only NDVI"):
        images_of(alone)


def test_rules_that_are_none(tmp_path):
    path = tmp_path / "mine.toml"
    path.write_text("ndvi_above = 7")
    with pytest.raises(ConfigError, match=r"mine\.toml"):
        load_rules(path)
