"""What files say of themselves: missing values, scale, orientation, months, and what is refused."""

from pathlib import Path

import netCDF4
import numpy as np
import pytest
import rasterio
from affine import Affine
from odc.geo.geobox import GeoBox
from tests.factories import LONLAT, geobox, layer_file, months, write_raster

from recarb.core.config import Layer
from recarb.core.errors import GridMismatch, InputError, MissingData, UnitError
from recarb.core.quantities import catalogue
from recarb.io.raster import describe, read, read_raw_codes, whole

BOX = geobox(20.0, 42.0, 0.1, (2, 3))
VALUES = np.array([[1.0, 2.0, 3.0], [4.0, 5.0, 6.0]])
LOWEST = float(np.finfo("float32").min)


def values_of(path: Path, key: str = "soc", **choice) -> np.ndarray:
    """The first band of a file as recarb reads it."""
    layer = describe(key, Layer(path=path, **choice), catalogue()[key])
    return read(layer, [1], whole(layer), np.array([31.0]))[0]


@pytest.mark.parametrize(
    ("dtype", "nodata"),
    [("int16", -999), ("int16", -9999), ("float32", -999.0), ("float32", LOWEST),
     ("float64", -3.4e38), ("float32", np.nan), ("uint8", 255), ("int32", -2147483648)],
)  # fmt: skip
def test_declared_nodata_is_missing(tmp_path, dtype, nodata):
    data = VALUES.astype(dtype)
    data[0, 1] = nodata
    found = values_of(write_raster(tmp_path / "a.tif", data, BOX, unit="t/ha", nodata=nodata))
    np.testing.assert_array_equal(found, [[1.0, np.nan, 3.0], [4.0, 5.0, 6.0]])


@pytest.mark.parametrize(
    ("dtype", "inside", "told"),
    [("int16", -999, [-999]), ("float32", -9999.0, [-9999]), ("float32", LOWEST, [LOWEST]),
     ("float32", LOWEST, [-3.4e38]), ("float32", LOWEST, [-3.40282e38]),
     ("float32", LOWEST, [-3.4028e38]), ("float64", LOWEST, [-3.40282e38]),
     ("float32", 9.96921e36, [9.96921e36]), ("float32", 1e20, [1e20]), ("uint8", 255, [255]),
     ("float32", 0.1, [0.1])],
)  # fmt: skip
def test_undeclared_nodata_that_run_toml_names(tmp_path, dtype, inside, told):
    """Also where a person wrote fewer digits than a float of 32 bits has."""
    data = VALUES.astype(dtype)
    data[1, 2] = inside
    path = write_raster(tmp_path / "a.tif", data, BOX, unit="t/ha")
    found = values_of(path, nodata=told)
    np.testing.assert_array_equal(found, [[1.0, 2.0, 3.0], [4.0, 5.0, np.nan]])


def test_several_nodata_values_beside_the_declared_one(tmp_path):
    data = VALUES.astype("float32")
    data[0] = [-999.0, -9999.0, LOWEST]
    path = write_raster(tmp_path / "a.tif", data, BOX, unit="t/ha", nodata=-999.0)
    found = values_of(path, nodata=[-9999.0, LOWEST])
    np.testing.assert_array_equal(found, [[np.nan] * 3, [4.0, 5.0, 6.0]])


@pytest.mark.parametrize("dtype", ["uint8", "int16", "float32"])
def test_a_nodata_value_the_type_cannot_hold_hides_nothing(tmp_path, dtype):
    """-999 wraps round to 25 in a byte, 65536 to 0 in 16 bits; clay of 25 % is no gap."""
    data = np.array([[25, 0, 3], [4, 5, 6]], dtype=dtype)
    path = write_raster(tmp_path / "a.tif", data, BOX, unit="%")
    found = values_of(path, "clay", nodata=[-999.5, 65536.0, 1e39, float("nan")])
    np.testing.assert_array_equal(found, data.astype(float))


@pytest.mark.parametrize("key", ["soc", "land_use"])
def test_codes_and_measures_agree_on_what_is_missing(tmp_path, key):
    data = np.array([[255, 25, 0], [1, 2, 3]], dtype="uint8")
    path = write_raster(tmp_path / "a.tif", data, BOX, unit="t/ha", nodata=255)
    layer = describe(key, Layer(path=path, nodata=(0.0, -999.0)), catalogue()[key])
    codes, valid = read_raw_codes(layer, 1, whole(layer))
    np.testing.assert_array_equal(valid, [[False, True, False], [True] * 3])
    np.testing.assert_array_equal(codes, data)
    np.testing.assert_array_equal(np.isfinite(read(layer, [1], whole(layer))[0]), valid)


def test_scale_and_offset_of_the_tags_are_applied_once(tmp_path):
    data = np.array([[100, -30, -32768], [0, 1, 2]], dtype="int16")
    path = write_raster(
        tmp_path / "t.tif", data, BOX, unit="degC", nodata=-32768, scale=0.1, offset=5.0
    )
    found = values_of(path, "temperature")
    np.testing.assert_allclose(found, [[15.0, 2.0, np.nan], [5.0, 5.1, 5.2]], rtol=1e-15)
    plain = values_of(path, "temperature", apply_scale=False)
    np.testing.assert_array_equal(plain, [[100.0, -30.0, np.nan], [0.0, 1.0, 2.0]])


def test_a_unit_in_run_toml_comes_after_the_scale_and_beats_the_tag(tmp_path):
    path = write_raster(
        tmp_path / "t.tif", np.full((2, 3), 2931, "int16"), BOX, unit="degC", scale=0.1
    )
    layer = describe("temperature", Layer(path=path, unit="K"))
    assert (layer.unit, layer.unit_from, layer.unit_tag) == ("K", "run.toml", "degC")
    np.testing.assert_allclose(read(layer, [1], whole(layer))[0], 19.95, rtol=1e-12)


def test_nodata_is_compared_before_the_scale(tmp_path):
    """run.toml names the number that stands in the file."""
    data = np.array([[-99, 50, 0], [1, 2, 3]], dtype="int16")
    path = write_raster(tmp_path / "t.tif", data, BOX, unit="degC", scale=0.1)
    assert np.isnan(values_of(path, "temperature", nodata=[-99]))[0].tolist() == [
        True,
        False,
        False,
    ]


def test_units_are_converted_when_read(tmp_path):
    path = write_raster(tmp_path / "a.tif", VALUES, BOX, unit="kg C m-2")
    np.testing.assert_allclose(values_of(path), 10.0 * VALUES, rtol=1e-15)
    daily = write_raster(tmp_path / "b.tif", VALUES, BOX, unit="mm/day")
    np.testing.assert_allclose(values_of(daily, "pet"), 31.0 * VALUES, rtol=1e-15)


def test_a_unit_in_the_metadata_counts_as_a_tag(tmp_path):
    path = write_raster(tmp_path / "a.tif", VALUES, BOX)
    with rasterio.open(path, "r+") as file:
        file.update_tags(units="kg m-2")
    layer = describe("soc", Layer(path=path))
    assert (layer.unit, layer.unit_from) == ("kg m-2", "tag")


def test_an_unknown_unit_names_the_file_and_what_to_write(tmp_path):
    path = write_raster(tmp_path / "stock.tif", VALUES, BOX)
    with pytest.raises(UnitError) as caught:
        describe("soc", Layer(path=path))
    assert "stock.tif" in str(caught.value) and "write `unit = ...`" in str(caught.value)
    assert "t ha-1" in str(caught.value)


def test_bands_and_windows(tmp_path):
    cube = np.arange(4 * 5 * 6, dtype="float32").reshape(4, 5, 6)
    layer = layer_file(tmp_path / "a.tif", cube, geobox(0.0, 5.0, 1.0, (5, 6)))
    found = read(layer, [3, 1], (slice(1, 3), slice(2, 6)))
    np.testing.assert_array_equal(found, cube[[2, 0], 1:3, 2:6])
    assert found.dtype == np.float64


def write_netcdf(
    path: Path, fields: dict[str, np.ndarray], lat: np.ndarray, lon: np.ndarray, **how
) -> Path:
    """CF file with lat, lon and, for fields of three dimensions, time."""
    with netCDF4.Dataset(path, "w") as file:
        for name, values, unit in (("lat", lat, "degrees_north"), ("lon", lon, "degrees_east")):
            file.createDimension(name, values.size)
            axis = file.createVariable(name, "f8", (name,))
            axis.units, axis.standard_name = unit, {"lat": "latitude", "lon": "longitude"}[name]
            axis[:] = values
        steps = max(field.shape[0] if field.ndim == 3 else 0 for field in fields.values())
        if steps:
            file.createDimension("time", steps)
            file.createDimension("bnds", 2)
            time = file.createVariable("time", "f8", ("time",))
            time.units = how.get("time_units", "days since 1980-01-01")
            time.calendar, time.bounds = how.get("calendar", "standard"), "time_bnds"
            time[:] = how["times"]
            file.createVariable("time_bnds", "f8", ("time", "bnds"))[:] = 0.0
        for name, field in fields.items():
            dims = ("time", "lat", "lon")[3 - field.ndim :]
            variable = file.createVariable(
                name, how.get("dtype", "f4"), dims, fill_value=how.get("fill")
            )
            variable.set_auto_maskandscale(False)
            variable.units = how.get("unit", "degC")
            for tag in ("scale_factor", "add_offset"):
                if tag in how:
                    variable.setncattr(tag, how[tag])
            variable[:] = field
    return path


LON, NORTH_UP = np.array([20.05, 20.15, 20.25]), np.array([41.95, 41.85])


@pytest.mark.parametrize("south_up", [False, True])
def test_netcdf_is_north_up_whichever_way_it_lies(tmp_path, south_up):
    step = -1 if south_up else 1
    path = write_netcdf(tmp_path / "a.nc", {"tas": VALUES[::step]}, NORTH_UP[::step], LON)
    layer = describe("temperature", Layer(path=path))
    np.testing.assert_array_equal(read(layer, [1], whole(layer))[0], VALUES)
    np.testing.assert_allclose(tuple(layer.geobox.transform)[:6], tuple(BOX.transform)[:6])
    assert str(layer.geobox.crs) == LONLAT and layer.unit == "degC"
    window = read(layer, [1], (slice(1, 2), slice(0, 2)))[0]
    np.testing.assert_array_equal(window, [[4.0, 5.0]])


def test_netcdf_packing_is_undone_once_and_its_fill_value_is_missing(tmp_path):
    packed = np.array([[0, 100, -32767], [10, 20, 30]], dtype="i2")
    path = write_netcdf(
        tmp_path / "a.nc", {"tas": packed}, NORTH_UP, LON,
        dtype="i2", fill=-32767, scale_factor=0.01, add_offset=280.0, unit="K",
    )  # fmt: skip
    found = values_of(path, "temperature")
    expected = np.array([[280.0, 281.0, np.nan], [280.1, 280.2, 280.3]]) - 273.15
    np.testing.assert_allclose(found, expected, atol=1e-9)
    bare = values_of(path, "temperature", apply_scale=False, unit="degC")
    np.testing.assert_array_equal(bare[0], [0.0, 100.0, np.nan])


@pytest.mark.parametrize("calendar", ["standard", "noleap", "360_day", "proleptic_gregorian"])
def test_netcdf_months_by_its_calendar(tmp_path, calendar):
    """Thirty years of a year without leap days end seven days off by the real calendar."""
    units, years = "days since 1980-01-01", 30
    dates = [(year, month) for year in range(1981, 1981 + years) for month in range(1, 13)]
    import cftime

    times = [
        cftime.date2num(cftime.datetime(y, m, 1, calendar=calendar), units, calendar)
        for y, m in dates
    ]
    cube = np.arange(len(dates), dtype="f4")[:, None, None] + np.zeros((1, 2, 3), "f4")
    path = write_netcdf(
        tmp_path / "a.nc", {"tas": cube}, NORTH_UP, LON,
        times=times, time_units=units, calendar=calendar,
    )  # fmt: skip
    layer = describe("temperature", Layer(path=path))
    assert layer.times == tuple(f"{y}-{m:02d}" for y, m in dates)
    assert read(layer, [360], whole(layer))[0, 0, 0] == 359.0


def test_netcdf_with_several_variables_asks_which(tmp_path):
    path = write_netcdf(tmp_path / "a.nc", {"tas": VALUES, "pr": 2 * VALUES}, NORTH_UP, LON)
    with pytest.raises(MissingData, match=r"several variables.*tas.*pr.*variable = "):
        describe("temperature", Layer(path=path))
    np.testing.assert_array_equal(values_of(path, "temperature", variable="tas"), VALUES)
    with pytest.raises(InputError, match=r"a\.nc"):
        describe("temperature", Layer(path=path, variable="wind"))


def test_band_names_as_months(tmp_path):
    names = months(1999, 2000)
    cube = np.zeros((24, 2, 3), "float32")
    layer = layer_file(tmp_path / "t.tif", cube, BOX, "temperature", names=names)
    assert layer.times == names and layer.band_names == names
    plain = layer_file(tmp_path / "u.tif", cube, BOX, "temperature")
    assert plain.times is None


def test_a_series_in_parts_is_read_in_the_order_of_the_names(tmp_path):
    for year in (2001, 1999, 2000):
        cube = np.full((12, 2, 3), year, "float32") + np.arange(12)[:, None, None] / 100
        write_raster(
            tmp_path / f"t_{year}.tif", cube.astype("float32"), BOX, unit="degC",
            names=months(year, year),
        )  # fmt: skip
    layer = describe("temperature", Layer(path=tmp_path / "t_*.tif"))
    assert layer.count == 36 and layer.times == months(1999, 2001)
    assert [path.name for path in layer.files] == ["t_1999.tif", "t_2000.tif", "t_2001.tif"]
    found = read(layer, [36, 1, 13, 12], whole(layer))[:, 0, 0]
    np.testing.assert_allclose(found, [2001.11, 1999.0, 2000.0, 1999.11], rtol=1e-6)


@pytest.mark.parametrize(
    "other",
    [geobox(20.1, 42.0, 0.1, (2, 3)), geobox(20.0, 42.0, 0.1, (2, 4)),
     geobox(20.0, 42.0, 0.1001, (2, 3)), geobox(20.0, 42.0, 0.1, (2, 3), "EPSG:4258")],
)  # fmt: skip
def test_parts_on_different_grids_are_refused(tmp_path, other):
    write_raster(tmp_path / "t_1.tif", VALUES, BOX, unit="degC")
    write_raster(tmp_path / "t_2.tif", np.zeros(other.shape), other, unit="degC")
    with pytest.raises(GridMismatch, match=r"t_2\.tif lies on another grid"):
        describe("temperature", Layer(path=tmp_path / "t_*.tif"))


def test_parts_with_different_units_are_refused(tmp_path):
    write_raster(tmp_path / "t_1.tif", VALUES, BOX, unit="degC")
    write_raster(tmp_path / "t_2.tif", VALUES + 273.15, BOX, unit="K")
    with pytest.raises(UnitError, match=r"t_2\.tif"):
        describe("temperature", Layer(path=tmp_path / "t_*.tif"))


@pytest.mark.parametrize(
    "transform",
    [Affine(0.1, 0.01, 20.0, 0.01, -0.1, 42.0), Affine(0.1, 0.0, 20.0, 0.0, 0.1, 42.0),
     Affine(-0.1, 0.0, 20.0, 0.0, -0.1, 42.0)],
)  # fmt: skip
def test_rotated_and_mirrored_rasters_are_refused(tmp_path, transform):
    box = GeoBox((2, 3), transform, LONLAT)
    path = write_raster(tmp_path / "a.tif", VALUES, box, unit="t/ha")
    with pytest.raises(GridMismatch, match=r"rotated or upside down.*gdalwarp"):
        describe("soc", Layer(path=path))


def test_a_raster_without_a_coordinate_system_is_refused(tmp_path):
    path = write_raster(
        tmp_path / "a.tif", VALUES, GeoBox((2, 3), BOX.transform, None), unit="t/ha"
    )
    with pytest.raises(GridMismatch, match=r"a\.tif has no coordinate system"):
        describe("soc", Layer(path=path))


def test_what_is_no_raster(tmp_path):
    page = tmp_path / "page.tif"
    page.write_text("<html>404 not found</html>")
    empty = tmp_path / "empty.tif"
    empty.touch()
    for path in (page, empty):
        with pytest.raises(InputError, match=rf"{path.stem}\.tif is not a raster"):
            describe("soc", Layer(path=path, unit="t/ha"))


def test_half_a_download_is_named_damaged(tmp_path):
    path = write_raster(tmp_path / "a.tif", np.random.default_rng(1).random((600, 600)),
                        geobox(0.0, 60.0, 0.1, (600, 600)), unit="t/ha")  # fmt: skip
    path.write_bytes(path.read_bytes()[: path.stat().st_size // 2])
    with pytest.raises(InputError, match=r"a\.tif"):
        layer = describe("soc", Layer(path=path))
        read(layer, [1], whole(layer))


@pytest.mark.parametrize("name", ["missing.tif", "folder", "none_*.tif", ""])
def test_what_is_not_there(tmp_path, name):
    (tmp_path / "folder").mkdir()
    with pytest.raises(MissingData, match=r"correct `path` in run\.toml"):
        describe("soc", Layer(path=tmp_path / name, unit="t/ha"))


def test_a_band_that_is_not_there(tmp_path):
    """It must not come back as what happened to lie in memory."""
    layer = layer_file(tmp_path / "a.tif", VALUES, BOX)
    for band in (0, 2):
        with pytest.raises(MissingData, match=r"soc \(a\.tif\)"):
            read(layer, [band], whole(layer))
