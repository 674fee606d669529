"""The layers of [inputs]: described, refused where they do not fit, classes brought to the grid."""

import numpy as np
from numpy.typing import NDArray
from odc.geo.geobox import GeoBox

from recarb.core.config import LandUseLayer, RunConfig
from recarb.core.errors import MissingData
from recarb.core.quantities import catalogue
from recarb.harmonise.calendar import YEAR
from recarb.harmonise.crosswalk import Crosswalk
from recarb.harmonise.landuse import reclassify
from recarb.harmonise.modal import modal_to_grid
from recarb.harmonise.regrid import source_window, to_grid
from recarb.io.raster import ROI, LayerFile, describe, read_raw_codes

Bytes = NDArray[np.uint8]

LAND_USE = ("land_use", "land_use_spin_up", "land_use_yearly", "land_use_forward")
BY_YEAR = ("land_use_yearly", "land_use_forward")  # bands are years
MONTHLY = ("cover", "irrigation")  # twelve bands


def describe_layers(config: RunConfig) -> dict[str, LayerFile]:
    """Every layer of [inputs], described; monthly layers have 12 bands."""
    found = {}
    for key in type(config.inputs).model_fields:
        layer = getattr(config.inputs, key)
        if layer is None:
            continue
        name = "land_use" if key in LAND_USE else key
        found[key] = describe(key, layer, catalogue()[name])
        check_bands(found[key], key, config)
    return found


def check_bands(layer: LayerFile, key: str, config: RunConfig) -> None:
    """Refuse a layer with another number of bands than its use needs."""
    if key in MONTHLY and layer.count != YEAR:
        raise MissingData(
            f"{layer.where}: expected 12 bands, January to December, found {layer.count}"
        )
    if key == "land_use_forward" and layer.layer.band is None:
        _check_years_ahead(layer, config)
    if key == "land_use_yearly":
        years = (
            0 if config.warm_up is None else config.warm_up.years[1] - config.warm_up.years[0] + 1
        )
        if layer.count != years:
            raise MissingData(
                f"{layer.where}: expected one band for each of the {years} warm-up years, found "
                f"{layer.count}"
            )
    if layer.layer.band is not None and layer.layer.band > layer.count:
        raise MissingData(
            f"{layer.where}: band {layer.layer.band} is wanted, the file has {layer.count}"
        )
    single = key not in {*MONTHLY, *BY_YEAR}
    if single and layer.count > 1 and layer.layer.band is None:
        raise MissingData(
            f"{layer.where}: the file has {layer.count} bands; say which: band = 1 (bands are "
            f"{', '.join(name or '?' for name in layer.band_names[:12])})"
        )


def _check_years_ahead(layer: LayerFile, config: RunConfig) -> None:
    ahead = config.forward
    if layer.count not in {1, ahead.last}:
        raise MissingData(
            f"{layer.where}: expected one band, or one for each of the {ahead.last} years ahead, "
            f"found {layer.count}"
        )
    if layer.count > 1 and ahead.land_use_after_years is not None:
        raise MissingData(
            f"{layer.where}: has a band for every year ahead; remove "
            "forward.land_use_after_years, which says when a single band begins to hold"
        )


def classes_on_grid(
    layer: LayerFile,
    band: int,
    crosswalk: Crosswalk,
    config: LandUseLayer,
    grid: GeoBox,
    window: ROI | None = None,
) -> Bytes:
    """Land-use classes of one band on a window of `grid`, with the overrides of run.toml."""
    box = grid if window is None else grid[window]
    roi = source_window(layer.geobox, box)
    codes, valid = read_raw_codes(layer, band, roi)
    native = reclassify(codes, valid, crosswalk, where=layer.where)
    source = layer.geobox[roi]
    classes = modal_to_grid(native, source.transform, source.crs, box, where=layer.where)
    for override in config.override:
        shares = describe("override", override, catalogue()["cover"])
        share = to_grid(shares, grid, override.band or 1, window)
        classes = np.where(share >= override.at_least, np.uint8(override.land_use), classes)
    return classes
