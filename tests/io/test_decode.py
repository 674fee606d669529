"""Decoding against a plain reference: all values and the whole mask are read, then combined."""

from typing import Any

import numpy as np
import pytest
import rasterio
from affine import Affine
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from rasterio.io import MemoryFile
from rasterio.windows import Window

from recarb.core.config import Layer
from recarb.io.raster import _decode, _equals

TYPES = ("uint8", "int16", "uint16", "int32", "uint32", "int64", "uint64", "float32", "float64")
SHAPE = (3, 5, 7)
LOWEST = float(np.finfo("float32").min)


def reference(source: Any, bands: list[int], window: Window, layer: Layer) -> np.ndarray:
    """Two passes over the file, in the order of the words: missing, scale, offset."""
    data = source.read(bands, window=window)
    missing = source.read_masks(bands, window=window) == 0
    for value in layer.nodata:
        missing |= _equals(data, value)
    values = data.astype(np.float64)
    if layer.apply_scale:
        for i, band in enumerate(bands):
            values[i] = values[i] * source.scales[band - 1] + source.offsets[band - 1]
    values[missing] = np.nan
    return values


def content(dtype: str, seed: int, special: list[float]) -> np.ndarray:
    """Numbers of a type with its limits, values that mean missing, and their neighbours."""
    rng, kind = np.random.default_rng(seed), np.dtype(dtype)
    if kind.kind == "f":
        found = rng.normal(0.0, 100.0, SHAPE).astype(kind)
        for value in special:
            near = np.asarray(value).astype(kind)
            steps = [near, np.nextafter(near, kind.type(0)), np.nextafter(near, kind.type(np.inf))]
            found.flat[rng.integers(0, found.size, 9)] = np.repeat(steps, 3)
        found.flat[rng.integers(0, found.size, 3)] = np.nan
        return found
    info = np.iinfo(kind)
    found = rng.integers(info.min, info.max, SHAPE, kind, endpoint=True)
    fitting = [value for value in special if info.min <= value <= info.max and value % 1 == 0]
    for value in fitting:
        found.flat[rng.integers(0, found.size, 9)] = int(value)
    return found


def nodata_of(dtype: str) -> list[float | None]:
    if np.dtype(dtype).kind == "f":
        return [None, -9999.0, 0.0, LOWEST, float("nan"), 1e20]
    return [None, 0.0, 255.0] if np.dtype(dtype).kind == "u" else [None, 0.0, 127.0, -99.0]


@st.composite
def cases(draw):
    dtype = draw(st.sampled_from(TYPES))
    return {
        "dtype": dtype,
        "nodata": draw(st.sampled_from(nodata_of(dtype))),
        "told": draw(
            st.lists(st.sampled_from([-9999.0, 0.0, 25.0, float("nan"), LOWEST]), max_size=2)
        ),
        "mask": draw(st.sampled_from(["none", "band", "alpha"])),
        "scale": draw(st.sampled_from([1.0, 0.1, -3.0])),
        "offset": draw(st.sampled_from([0.0, 273.15])),
        "apply": draw(st.booleans()),
        "bands": draw(st.lists(st.sampled_from([1, 2]), min_size=1, max_size=3)),
        "seed": draw(st.integers(0, 1000)),
    }


@settings(max_examples=150, suppress_health_check=[HealthCheck.too_slow])
@given(cases())
def test_decoding_equals_the_plain_reference(case):
    special = [value for value in (case["nodata"], *case["told"]) if value is not None]
    special = [value for value in special if np.isfinite(value)]
    data = content(case["dtype"], case["seed"], special)
    layer = Layer(path="a.tif", nodata=tuple(case["told"]), apply_scale=case["apply"])
    window = Window(1, 0, 5, 4)
    with MemoryFile() as memory, rasterio.Env(GDAL_TIFF_INTERNAL_MASK=True):
        with memory.open(
            driver="GTiff", height=SHAPE[1], width=SHAPE[2], count=SHAPE[0], dtype=case["dtype"],
            crs="EPSG:4326", transform=Affine(0.1, 0.0, 0.0, 0.0, -0.1, 1.0),
            nodata=case["nodata"] if case["mask"] == "none" else None,
            alpha="YES" if case["mask"] == "alpha" else "NO",
        ) as file:  # fmt: skip
            file.write(data)
            file.scales = [1.0, case["scale"], 1.0]
            file.offsets = [case["offset"], 0.0, 0.0]
            if case["mask"] == "band":
                file.write_mask(np.arange(35).reshape(5, 7) % 3 > 0)
        with memory.open() as source:
            found = np.full((len(case["bands"]), 4, 5), -1.0)
            _decode(source, case["bands"], window, layer, out=found)
            expected = reference(source, case["bands"], window, layer)
    np.testing.assert_array_equal(np.isnan(found), np.isnan(expected))
    there = ~np.isnan(expected)
    assert found[there].tobytes() == expected[there].tobytes()


@pytest.mark.parametrize("mask", ["band", "alpha"])
def test_the_reference_sees_masks(mask):
    """The property above would hold for no mask at all if the files had none."""
    with MemoryFile() as memory, rasterio.Env(GDAL_TIFF_INTERNAL_MASK=True):
        with memory.open(
            driver="GTiff", height=2, width=2, count=2, dtype="uint8", crs="EPSG:4326",
            transform=Affine(0.1, 0.0, 0.0, 0.0, -0.1, 1.0),
            alpha="YES" if mask == "alpha" else "NO",
        ) as file:  # fmt: skip
            file.write(np.array([[[1, 2], [3, 4]], [[0, 255], [255, 255]]], "uint8"))
            if mask == "band":
                file.write_mask(np.array([[False, True], [True, True]]))
        with memory.open() as source:
            found = np.empty((1, 2, 2))
            _decode(source, [1], Window(0, 0, 2, 2), Layer(path="a.tif"), out=found)
    np.testing.assert_array_equal(found[0], [[np.nan, 2.0], [3.0, 4.0]])
