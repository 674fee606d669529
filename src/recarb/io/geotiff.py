"""Writing plain GeoTIFFs: layers as a country would deliver them, not maps of a run (see `cog`)."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import rasterio
from numpy.typing import NDArray
from odc.geo.geobox import GeoBox
from rasterio.errors import RasterioError

from recarb.core.errors import OutputError

INTEGER_PREDICTOR, FLOAT_PREDICTOR = 2, 3


def write_geotiff(
    path: Path,
    bands: NDArray[Any],
    grid: GeoBox,
    *,
    unit: str | None = None,
    names: Sequence[str] = (),
    nodata: float | None = None,
    scale: float = 1.0,
    tags: Mapping[str, str] | None = None,
) -> Path:
    """Write (band, y, x) as it is in memory: the data type of the array is that of the file.

    Parameters
    ----------
    unit : goes to every band; None leaves the file without one
    names : description of every band, `1981-01` for a month
    scale : the value is the number in the file times `scale`; written to the tags

    Raises
    ------
    OutputError
        The file could not be written.
    """
    count, height, width = bands.shape
    floating = np.issubdtype(bands.dtype, np.floating)
    profile = {
        "driver": "GTiff",
        "count": count,
        "height": height,
        "width": width,
        "dtype": bands.dtype.name,
        "crs": str(grid.crs),
        "transform": grid.transform,
        "nodata": nodata,
        "compress": "deflate",
        "predictor": FLOAT_PREDICTOR if floating else INTEGER_PREDICTOR,
        "interleave": "pixel",
    }
    try:
        with rasterio.open(path, "w", **profile) as file:
            file.write(bands)
            file.update_tags(**(tags or {}))
            if scale != 1.0:
                file.scales = (scale,) * count
            if unit is not None:
                file.units = (unit,) * count
            for band, name in enumerate(names, start=1):
                file.set_band_description(band, name)
    except (RasterioError, OSError) as error:
        raise OutputError(f"{path}: could not be written ({error}). Is the disk full?") from error
    return path
