"""Climate files as their servers give them, month by month to one file a variable."""

import calendar
import gzip

import netCDF4
import numpy as np
import pytest
import rasterio
from tests.sources import samples
from tests.sources.small_country import climate_file

from recarb.core.errors import MissingData, OutOfRange
from recarb.sources.base import Box
from recarb.sources.layer_out import Out
from recarb.sources.material import Material, values_of
from recarb.sources.prepare_climate import product_of, write_climate
from recarb.sources.registry import load_registry

BOX = Box(100.0, 10.0, 101.0, 11.0)
FILL = 9.96921e36


@pytest.fixture
def out(tmp_path):
    for name in ("staging", "done"):
        (tmp_path / name).mkdir()
    return Out(tmp_path / "done", tmp_path / "staging")


def material(key, role, paths):
    entry = load_registry()[key]
    return Material(
        role=role, source=key, title=entry.title, version=entry.version, licence=entry.licence,
        citation=entry.citation, paths=tuple(paths), hashes=("0",) * len(paths),
        urls=("http://x",) * len(paths), entry=entry,
        values=tuple(values_of(entry, role, path.name) for path in paths),
    )  # fmt: skip


def written(product, variable, boxes, out):
    with rasterio.open(write_climate(product, variable, boxes, {}, out)) as source:
        assert not list(out.staging.glob("*.nc"))  # what was unpacked is gone
        return source.read(masked=True).astype(float), source.descriptions, source.transform


# ------------------------------------------------------------------------------------ TerraClimate


def terraclimate(folder, years, boxes=(BOX,), fmt="NETCDF4"):
    paths = []
    for number, box in enumerate(boxes):
        place = folder / str(number)
        place.mkdir()
        for name in ("tmax", "tmin", "ppt", "pet"):
            for year in years:
                paths.append(place / f"TerraClimate_{name}_{year}.nc")
                climate_file(paths[-1], name, [year], box, fmt=fmt)
    return product_of(material("terraclimate", "climate", paths))


@pytest.mark.parametrize("fmt", ["NETCDF4", "NETCDF4_CLASSIC", "NETCDF3_CLASSIC"])
def test_mean_temperature_is_that_of_minimum_and_maximum(tmp_path, out, fmt):
    found, names, _ = written(terraclimate(tmp_path, [2000, 2001], fmt=fmt), "temperature",
                              (BOX,), out)  # fmt: skip
    season = np.cos(2 * np.pi * (np.arange(24) % 12 - 6) / 12)
    expected = 26 + 3 * season + 0.5 * np.repeat([2000 % 3, 2001 % 3], 12)
    assert np.abs(found[:, -1, -1] - expected).max() <= 0.0101  # packed in hundredths
    assert found.mask[:, 0, 0].all()
    assert (names[0], names[12]) == ("2000-01", "2001-01")


def test_a_gap_in_the_years_is_told(tmp_path):
    with pytest.raises(MissingData, match="gap after 1999-12"):
        terraclimate(tmp_path, [1999, 2001])


def test_a_variable_with_other_years_is_told(tmp_path):
    paths = [tmp_path / f"TerraClimate_{name}_2000.nc" for name in ("tmax", "tmin", "ppt", "pet")]
    paths.append(tmp_path / "TerraClimate_tmax_2001.nc")
    with pytest.raises(MissingData, match="temperature_min has other months"):
        product_of(material("terraclimate", "climate", paths))


def test_a_file_with_the_months_of_another_year_is_refused(tmp_path, out):
    product = terraclimate(tmp_path, [2000])
    climate_file(tmp_path / "0/TerraClimate_ppt_2000.nc", "ppt", [1999], BOX)
    with pytest.raises(MissingData, match="expected the months 2000-01 to 2000-12"):
        write_climate(product, "rain", (BOX,), {}, out)
    assert not list(out.folder.iterdir())


def test_a_file_with_another_scale_is_refused(tmp_path, out):
    product = terraclimate(tmp_path, [2000])
    with netCDF4.Dataset(tmp_path / "0/TerraClimate_ppt_2000.nc", "a") as data:
        data["ppt"].scale_factor = 10.0
    with pytest.raises(OutOfRange, match="rain of 2000-"):
        write_climate(product, "rain", (BOX,), {}, out)


def test_across_the_antimeridian_the_grid_goes_on(tmp_path, out):
    """Two boxes, one on each side; one field without a seam, twelve cells of sea each."""
    boxes = (Box(178.0, -18.0, 179.0, -17.0), Box(-179.0, -18.0, -178.0, -17.0))
    found, _, a = written(terraclimate(tmp_path, [2000], boxes), "rain", boxes, out)
    assert a.c == pytest.approx(177.0)
    assert found.shape[2] == 6 * 24  # 177 to 183
    assert found.mask[0, 0, 0]
    assert not found.mask[0, 0, 2 * 24 + 13 : 3 * 24].any()
    assert not found.mask[0, -1].any()


# ----------------------------------------------------------------------------------------- CRU TS


def cru(path, name, decade, value, south_first=True):
    """A decade of CRU TS: 0.5 degrees, south first, float32, a second variable."""
    first, last = (int(year) for year in decade.split("."))
    lat = 5.25 + 0.5 * np.arange(20)
    with netCDF4.Dataset(path.with_suffix(""), "w", format="NETCDF3_CLASSIC") as data:
        months = np.arange(f"{first}-01", f"{last + 1}-01", dtype="M8[M]")
        for key, values in (("time", None), ("lat", lat if south_first else lat[::-1]),
                            ("lon", 95.25 + 0.5 * np.arange(20))):  # fmt: skip
            size = months.size if values is None else values.size
            data.createDimension(key, size)
            axis = data.createVariable(key, "f4", (key,))
            axis[:] = (
                months.astype("M8[D]").astype(float) + 25567 + 14 if values is None else values
            )
        data["time"].units, data["time"].calendar = "days since 1900-1-1", "gregorian"
        data["lat"].units, data["lon"].units = "degrees_north", "degrees_east"
        layer = data.createVariable(name, "f4", ("time", "lat", "lon"), fill_value=FILL)
        layer.units = "mm/day" if name == "pet" else "mm/month"
        rows = np.arange(20.0) if south_first else np.arange(20.0)[::-1]
        layer[:] = value + 0.01 * rows[None, :, None] + np.zeros((months.size, 20, 20))
        layer[:, :, :2] = np.ma.masked
        data.createVariable("stn", "i4", ("time", "lat", "lon"))[:] = 8
    path.write_bytes(gzip.compress(path.with_suffix("").read_bytes()))
    path.with_suffix("").unlink()
    return path


def cru_product(folder, decades=("1991.2000", "2001.2010"), **options):
    level = {"tmp": 20.0, "pre": 50.0, "pet": 4.0}
    return product_of(material("cru_ts", "climate", [
        cru(folder / f"cru_ts4.10.{decade}.{name}.dat.nc.gz", name, decade, value, **options)
        for name, value in level.items() for decade in decades
    ]))  # fmt: skip


@pytest.mark.parametrize("south_first", [True, False])
def test_rates_per_day_take_the_true_days_of_the_month(tmp_path, out, south_first):
    product = cru_product(tmp_path, south_first=south_first)
    found, names, a = written(product, "pet", (BOX,), out)
    assert product.years == (1991, 2010)
    row = round((10.25 - a.f) / a.e - 0.5)
    for band, name in enumerate(names):
        year, month = (int(part) for part in name.split("-"))
        days = calendar.monthrange(year, month)[1]
        assert found[band, row, -1] == pytest.approx((4.0 + 0.01 * 10) * days, rel=1e-6)
    assert names[109] == "2000-02"


def test_a_country_of_one_island_keeps_the_land_cells_around(tmp_path, out):
    tiny = Box(97.01, 10.01, 97.02, 10.02)
    found, _, _ = written(cru_product(tmp_path, ("1991.2000",)), "rain", (tiny,), out)
    assert found.shape[1:] == (5, 5)  # one degree around


# -------------------------------------------------------------------------------------- WorldClim


def worldclim(folder):
    paths = []
    for name, level in (("tavg", 10.0), ("prec", 60.0)):
        members = {
            f"wc2.1_10m_{name}_{month:02d}.tif": samples.geotiff(
                np.full((60, 60), level + month, np.float32), west=96, north=15, cell=1 / 6,
                nodata=-3.4e38)
            for month in range(1, 13)
        }  # fmt: skip
        members["readme.txt"] = b"free for academic use"
        paths.append(folder / f"wc2.1_10m_{name}.zip")
        paths[-1].write_bytes(samples.zipped(**members))
    return product_of(material("worldclim", "normals", paths))


def test_twelve_means_in_a_zip(tmp_path, out):
    product = worldclim(tmp_path)
    assert product.climatology
    assert product.variables == ["temperature", "rain"]
    found, _, _ = written(product, "temperature", (BOX,), out)
    assert np.allclose(found[:, 0, 0], 10.0 + np.arange(1, 13))
