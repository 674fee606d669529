"""Small files in the formats the real servers give."""

import gzip
import io
import zipfile

import netCDF4
import numpy as np
import rasterio
from rasterio.io import MemoryFile
from rasterio.transform import from_origin


def geotiff(values=None, *, crs="EPSG:4326", west=100.0, north=20.0, cell=0.5, nodata=-32768):
    """Bytes of a GeoTIFF."""
    if values is None:
        values = np.arange(600, dtype=np.int16).reshape(20, 30)
    profile = {
        "driver": "GTiff", "count": 1, "dtype": values.dtype.name, "crs": crs, "nodata": nodata,
        "height": values.shape[0], "width": values.shape[1], "tiled": True,
        "blockxsize": 16, "blockysize": 16, "transform": from_origin(west, north, cell, cell),
    }  # fmt: skip
    with MemoryFile() as memory:
        with memory.open(**profile) as target:
            target.write(values, 1)
        return memory.read()


def netcdf(path, variable="ppt", *, fmt="NETCDF4", low=0.0, high=300.0):
    """Bytes of a NetCDF with scale, fill and a second variable, as TerraClimate has."""
    with netCDF4.Dataset(path, "w", format=fmt) as data:
        data.createDimension("time", 12)
        data.createDimension("lat", 8)
        data.createDimension("lon", 10)
        for name, values in (
            ("time", np.arange(12) * 30.0), ("lat", 20 - np.arange(8) / 24),
            ("lon", 100 + np.arange(10) / 24),
        ):  # fmt: skip
            data.createVariable(name, "f8", (name,))[:] = values
        data["time"].units = "days since 1900-01-01"
        data["lat"].units, data["lon"].units = "degrees_north", "degrees_east"
        data.createVariable("crs", "i2")
        layer = data.createVariable(variable, "i4", ("time", "lat", "lon"), fill_value=-2147483648)
        layer.scale_factor, layer.add_offset = 0.1, 0.0
        values = np.ma.array(np.linspace(low, high, 960).reshape(12, 8, 10))
        values[:, 0, 0] = np.ma.masked
        layer[:] = values
    return path.read_bytes()


def gzipped(body):
    return gzip.compress(body, mtime=0)


def zipped(**members):
    memory = io.BytesIO()
    with zipfile.ZipFile(memory, "w") as target:
        for name, body in members.items():
            target.writestr(name, body)
    return memory.getvalue()


def values_of(path):
    with rasterio.open(path) as source:
        return source.read(1)
