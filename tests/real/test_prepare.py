"""Real maps through fetch, prepare and check: packed as the servers pack them, no line needed."""

import gzip
from importlib.resources import files
from pathlib import Path

import netCDF4
import numpy as np
import pytest
import rasterio
from tests.cli.test_prepare import recarb, values
from tests.realdata import data_folder, requires
from tests.sources import samples

from recarb.core.config import load_config
from recarb.core.errors import InputError
from recarb.core.quantities import catalogue
from recarb.harmonise.landuse import load_crosswalk
from recarb.io.raster import describe
from recarb.sequestration.layers import classes_on_grid

pytestmark = pytest.mark.realdata
NONE = [f"--source={role}=none" for role in ("soc", "clay", "land_cover", "boundary")]


@pytest.fixture
def office(tmp_path, monkeypatch):
    """An office without a line: a cache, a registry and a folder of files it has."""
    for name in ("registry", "mine"):
        (tmp_path / name).mkdir()
    monkeypatch.setenv("RECARB_CACHE_DIR", str(tmp_path / "cache"))
    monkeypatch.setenv("RECARB_REGISTRY", str(tmp_path / "registry"))
    monkeypatch.setenv("RECARB_DATA", str(data_folder()))
    monkeypatch.setenv("RECARB_OUT", str(tmp_path / "out"))
    monkeypatch.chdir(tmp_path)
    return tmp_path


def entry(office, key, old, new):
    """A copy of an entry that fits the cut-out we have."""
    text = (files("recarb.sources") / "registry" / f"{key}.toml").read_text("utf-8")
    assert old in text
    (office / f"registry/{key}.toml").write_text(text.replace(old, new).replace("size_mb", "#"))


def cru_decade(path, name, decade, source):
    """Ten years of a real CRU TS cut-out as CRU packs them: south first, NetCDF in gzip."""
    first, last = (int(year) for year in decade.split("."))
    bands = [source.descriptions.index(f"{y}-{m:02d}") + 1
             for y in range(first, last + 1) for m in range(1, 13)]  # fmt: skip
    fields = np.ma.masked_values(source.read(bands), source.nodata)[:, ::-1]
    a = source.transform
    lat = (a.f + (np.arange(source.height) + 0.5) * a.e)[::-1]
    lon = a.c + (np.arange(source.width) + 0.5) * a.a
    plain = path.with_suffix("")
    with netCDF4.Dataset(plain, "w") as data:
        months = np.arange(f"{first}-01", f"{last + 1}-01", dtype="M8[M]").astype("M8[D]")
        days = months.astype(float) + 25567 + 15
        for key, axis in (("time", days), ("lat", lat), ("lon", lon)):
            data.createDimension(key, axis.size)
            data.createVariable(key, "f8", (key,))[:] = axis
        data["time"].units, data["time"].calendar = "days since 1900-1-1", "gregorian"
        data["lat"].units, data["lon"].units = "degrees_north", "degrees_east"
        data.createVariable(name, "f4", ("time", "lat", "lon"), fill_value=9.96921e36)[:] = fields
    path.write_bytes(gzip.compress(plain.read_bytes()))
    plain.unlink()


@requires("iberia")
def test_iberia_on_half_a_degree(office):
    data = data_folder() / "iberia"
    entry(office, "cru_ts", '["tmp", "pre", "pet"]', '["tmp", "pre"]')
    for name, stem in (("tmp", "tas"), ("pre", "pr")):
        with rasterio.open(data / f"{stem}_cruts4.00_198101-201012.tif") as source:
            for decade in ("1981.1990", "1991.2000", "2001.2010"):
                target = office / f"mine/cru_ts4.10.{decade}.{name}.dat.nc.gz"
                cru_decade(target, name, decade, source)
    recarb("fetch", "IBE", "--box=-9.5,36,3.5,44", *NONE, "--source=climate=cru_ts",
           "--years=climate=1981-2010", "--offline", "--drop-in=mine")  # fmt: skip
    soc = data / "soc_0-30cm_whrc_2010AD_mean_0p5deg_tCha.tif"
    land_cover = data / "landcover_glcnmo2008_20arcmin.tif"
    recarb("prepare", "IBE", f"--own=soc={soc}", "--unit=soc=t/ha",
           f"--own=clay={data / 'clay_lpjguess_0p5deg_pct.tif'}", "--unit=clay=%",
           f"--own=land_cover={land_cover}", "--crosswalk=glcnmo2008",
           f"--own=boundary={data / 'boundaries/natural_earth_10m.geojson'}")  # fmt: skip
    made = office / "data/IBE"
    assert np.array_equal(values(made / "soc.tif"), values(soc), equal_nan=True)
    real = data / "tas_cruts4.00_198101-201012.tif"
    with rasterio.open(made / "climate/temperature.tif") as source:
        assert source.count == 360
        a = source.transform
    down, right = round((a.f - 44.0) / 0.5), round((-9.5 - a.c) / 0.5)  # the margin around
    for band in (1, 290, 360):
        found = values(made / "climate/temperature.tif", band)[down : down + 16, right : right + 26]
        assert np.array_equal(found, values(real, band), equal_nan=True)
    plain = (Path(__file__).parent / "iberia.toml").read_text("utf-8")
    (office / "plain.toml").write_text(plain.replace('"hargreaves"', '"thornthwaite"'))
    told = [recarb("check", run, fails=InputError) for run in ("plain.toml", made / "run.toml")]
    assert (
        "c_eq_above_npp" in told[0]
    )  # with this PET, here as there: the same cells, so same input
    assert told[0] == told[1]


@requires("north_macedonia")
def test_north_macedonia_on_one_kilometre(office):
    data = data_folder() / "north_macedonia"
    normals = data / "climate_cru_cl1_0p5deg"
    entry(office, "worldclim", '["10m"]', '["10m"]')
    for name, stem in (("tavg", "tas"), ("prec", "pr")):  # CRU CL in WorldClim's packing
        with rasterio.open(normals / f"{stem}_clim_1961-1990_crucl1_0p5deg.tif") as source:
            box, fields, nodata = source.bounds, source.read(), source.nodata
        members = {
            f"wc2.1_10m_{name}_{month:02d}.tif": samples.geotiff(
                field, west=box.left, north=box.top, cell=0.5, nodata=nodata)
            for month, field in enumerate(fields, start=1)
        }  # fmt: skip
        (office / f"mine/wc2.1_10m_{name}.zip").write_bytes(samples.zipped(**members))
    recarb("fetch", "MKD", *NONE, "--source=climate=none", "--with=normals", "--offline",
           "--drop-in=mine")  # fmt: skip
    own = {"soc": "soc_0-30cm_rf_tCha.tif", "clay": "clay_rf_pct.tif",
           "land_cover": "landcover_esacci2010_1km.tif", "elevation": "elevation_m.tif",
           "boundary": "boundaries/natural_earth_10m.geojson"}  # fmt: skip
    recarb("prepare", "MKD", *(f"--own={key}={data / name}" for key, name in own.items()),
           "--unit=soc=t/ha", "--unit=clay=%", "--unit=elevation=m")  # fmt: skip
    made = office / "data/MKD"
    for key in ("soc", "clay"):
        assert np.array_equal(values(made / f"{key}.tif"), values(data / own[key]), equal_nan=True)
    config = load_config(made / "run.toml")
    plain = config.inputs.land_use.model_copy(update={"path": data / own["land_cover"]})
    layer = describe("land_use", plain, catalogue()["land_use"])
    expected = classes_on_grid(layer, 1, load_crosswalk(), plain, layer.geobox)
    assert np.array_equal(np.nan_to_num(values(made / "land_use.tif")), expected)
    assert "ready to run" in recarb("check", made / "run.toml")
