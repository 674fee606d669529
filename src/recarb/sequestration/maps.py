"""From cells back to maps, for notebooks."""

import numpy as np
import xarray as xr
from odc.geo.geobox import GeoBox

from recarb.core.grid import cell_centres
from recarb.sequestration.products import Product


def to_maps(cells: xr.Dataset, grid: GeoBox) -> xr.Dataset:
    """Lay a Dataset over `cell` (with coordinates row and column) out on the grid.

    Returns
    -------
    Dataset over (y, x) with cell centres in the grid's CRS as coordinates, NaN where no cell is.
    Variables with further dimensions (months) are left out.
    """
    height, width = grid.shape
    x, _ = cell_centres(grid, np.zeros(width, dtype=np.int64), np.arange(width))
    _, y = cell_centres(grid, np.arange(height), np.zeros(height, dtype=np.int64))
    maps = {}
    for name, values in cells.data_vars.items():
        if values.dims != ("cell",):
            continue
        field = np.full(grid.shape, np.nan)
        field[cells["row"].values, cells["column"].values] = values.values
        maps[name] = (("y", "x"), field, dict(values.attrs))
    return xr.Dataset(maps, coords={"y": y, "x": x}, attrs={"crs": str(grid.crs)})


def with_units(maps: xr.Dataset, products: list[Product]) -> xr.Dataset:
    """The same Dataset with title and unit of every product as attributes."""
    for product in products:
        if product.key in maps:
            maps[product.key].attrs = {"units": product.unit, "long_name": product.title}
    return maps
