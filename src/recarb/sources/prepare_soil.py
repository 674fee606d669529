"""Soil layers: the SOC stock, and clay or sand of 0-30 cm from the depths of its version."""

from collections.abc import Mapping
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from odc.geo.geobox import GeoBox

from recarb.core.errors import InputError, MissingData
from recarb.core.quantities import catalogue
from recarb.harmonise.regrid import to_grid
from recarb.io.cog import MapSpec
from recarb.io.raster import ROI, LayerFile
from recarb.sources.layer_out import Out, write_layer
from recarb.sources.material import Material
from recarb.sources.readers import check_possible, first_known, layers_of
from recarb.sources.registry import Entry

Floats = NDArray[np.float64]

TOP_CM, BOTTOM_CM = 0.0, 30.0  # of the protocol's stock
OF_ROLE = {"soc": "soc", "clay": "clay", "sand": "sand", "elevation": "elevation", "cover": "cover",
           "soc_quantiles": "soc", "clay_quantiles": "clay"}  # fmt: skip
Layers = Mapping[str, tuple[float, list[LayerFile]]]  # depth: its share of 0-30 cm, its files


def depth_weights(entry: Entry, depths: list[str]) -> dict[str, float]:
    """Share of each depth in 0-30 cm, by thickness.

    Raises
    ------
    MissingData
        They leave a gap, overlap, or do not end at 30 cm.

    >>> from recarb.sources.registry import load_registry
    >>> found = depth_weights(load_registry()["soilgrids"], ["0-5cm", "5-15cm", "15-30cm"])
    >>> {depth: round(share, 3) for depth, share in found.items()}
    {'0-5cm': 0.167, '5-15cm': 0.333, '15-30cm': 0.5}
    """
    ordered = sorted(depths, key=lambda depth: entry.depths_cm[depth])
    reached = TOP_CM
    for depth in ordered:
        top, bottom = entry.depths_cm[depth]
        if top != reached or bottom <= top:
            break
        reached = bottom
    else:
        if reached == BOTTOM_CM:
            return {
                depth: (entry.depths_cm[depth][1] - entry.depths_cm[depth][0]) / BOTTOM_CM
                for depth in ordered
            }
    raise MissingData(
        f"{entry.id}: expected depths that make up 0-30 cm, came {', '.join(ordered)}; fetch them "
        "all again"
    )


def soil_layers(material: Material, staging: Path, **values: str) -> Layers:
    """For each depth its share of 0-30 cm, and the files of it; `values` choose among the files."""
    key = OF_ROLE[material.role]
    _refuse_database(material)
    variables = material.choices("variable")
    given = values | ({"variable": variables[0]} if variables else {})
    depths = material.choices("depth")
    if material.entry is None or not depths:
        return {"": (1.0, layers_of(material, key, staging, **given))}
    return {
        depth: (share, layers_of(material, key, staging, depth=depth, **given))
        for depth, share in depth_weights(material.entry, depths).items()
    }


def _refuse_database(material: Material) -> None:
    entry = material.entry
    if entry is not None and not entry.layers:
        raise InputError(
            f"{material.role}: recarb has no reader for {entry.title}: {' '.join(entry.traps)} "
            f"Fetch another: --source {material.role}=soilgrids, or bring your own: "
            f"--own {material.role}=FILE"
        )


def mean_over_depth(layers: Layers, grid: GeoBox, roi: ROI, band: int = 1) -> Floats:
    """Mean of 0-30 cm on a window of the grid, (y, x); NaN where a depth is unknown."""
    total: Floats | float = 0.0
    for share, files in layers.values():
        total = total + share * first_known(to_grid(layer, grid, band, roi) for layer in files)
    return np.asarray(total)


def write_soil(
    material: Material,
    layers: Layers,
    grid: GeoBox,
    tags: Mapping[str, str],
    out: Out,
) -> Path:
    """Write the layer of a material on the SOC grid: mean over depth, NaN where one is unknown.

    Raises
    ------
    InputError
        A file cannot be read, or holds impossible values.
    OutputError
        The disk does not take it.
    """
    quantity = catalogue()[OF_ROLE[material.role]]
    bands = max(layer.count for _, files in layers.values() for layer in files)

    def make(roi: ROI) -> Floats | None:
        each = range(1, bands + 1)
        found = np.stack([mean_over_depth(layers, grid, roi, band) for band in each])
        check_possible(found, quantity, f"{material.role} of {material.title}")
        return found if np.isfinite(found).any() else None

    names = tuple(f"{quantity.long_name}, month {band}" for band in range(1, bands + 1))
    spec = MapSpec(
        name=material.role,
        title=quantity.long_name,
        unit=quantity.unit,
        tags=tags,
        bands=names if bands > 1 else (),
    )
    return write_layer(spec, grid, make, out)
