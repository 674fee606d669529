"""Uncertainty of SOC and clay from the quantiles of a soil map: half width of the 95 % interval.

The map gives the 5 % and the 95 % quantile, the ends of a 90 % interval. Taken as one of a normal
distribution, the 95 % interval is wider by 1.96 / 1.645. Its half width is told in percent of the
middle of the interval, because the run applies it to the stock of another map. Depths are weighted
by thickness as if their errors went together, which gives the widest interval of all.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from odc.geo.geobox import GeoBox

from recarb.core.errors import MissingData
from recarb.core.quantities import catalogue
from recarb.io.cog import MapSpec
from recarb.io.raster import ROI
from recarb.sources.layer_out import Out, write_layer
from recarb.sources.material import Material
from recarb.sources.prepare_soil import Layers, mean_over_depth, soil_layers

Floats = NDArray[np.float64]

QUANTILES = ("Q0.05", "Q0.95")  # names of the statistics in SoilGrids 2.0
NORMAL_90, NORMAL_95 = 1.644854, 1.959964  # half widths in standard deviations of the normal
LARGEST_PCT = 99.0  # of the value: with 100 the lower chain would have no carbon (own judgement)
LAYERS = {"soc_quantiles": "soc_uncertainty", "clay_quantiles": "clay_uncertainty"}


@dataclass
class Cut:
    """Cells whose half width was cut to the largest that the method can use."""

    cells: int = 0


def half_width_pct(low: Floats, high: Floats) -> Floats:
    """Half width of the 95 % interval in percent of its middle, from the 5 % and 95 % quantiles.

    NaN where a quantile is unknown, the middle is 0, or the quantiles are in the wrong order.

    >>> half_width_pct(np.array([40.0]), np.array([60.0])).round(1)
    array([23.8])
    """
    middle = (low + high) / 2.0
    usable = (middle > 0.0) & (high >= low)
    half = (high - low) / 2.0 * NORMAL_95 / NORMAL_90
    return np.where(usable, 100.0 * half / np.where(usable, middle, 1.0), np.nan)


def write_uncertainty(
    material: Material, grid: GeoBox, tags: Mapping[str, str], out: Out
) -> tuple[Path, Cut]:
    """Write the uncertainty layer of a material with quantiles, on the SOC grid.

    Raises
    ------
    MissingData
        A quantile or a depth of it was not fetched.
    InputError
        A file cannot be read.
    OutputError
        The disk does not take it.
    """
    name = LAYERS[material.role]
    quantity = catalogue()[name]
    low, high = (_quantile(material, one, out.staging) for one in QUANTILES)
    cut = Cut()

    def make(roi: ROI) -> Floats | None:
        found = half_width_pct(mean_over_depth(low, grid, roi), mean_over_depth(high, grid, roi))
        cut.cells += int((found > LARGEST_PCT).sum())
        found = np.minimum(found, LARGEST_PCT)
        return found[np.newaxis] if np.isfinite(found).any() else None

    method = {"METHOD": "95 % interval from Q0.05 and Q0.95 as of a normal distribution"}
    spec = MapSpec(name, quantity.long_name, quantity.unit, tags={**tags, **method})
    return write_layer(spec, grid, make, out), cut


def _quantile(material: Material, statistic: str, staging: Path) -> Layers:
    if statistic not in material.choices("statistic"):
        raise MissingData(
            f"{material.role}: {material.title} has no file of {statistic}; fetch again"
        )
    return soil_layers(material, staging, statistic=statistic)
