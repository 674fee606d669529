"""Land use: native land-cover codes to the 13 classes of GSOCseq, on the target grid.

The order is fixed: `reclassify` on the native grid, then `modal_to_grid`. The other way round, a
forest that its legend splits into three codes loses against a smaller grassland.
"""

from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

from recarb.core.errors import GridMismatch, InputError, MissingData
from recarb.harmonise.crosswalk import (
    DEFAULT_CROSSWALK,
    Crosswalk,
    crosswalk_names,
    load_crosswalk,
)
from recarb.harmonise.landuse_classes import (
    CLASS_COUNT,
    LOOKUP_LENGTH,
    LandUseClass,
    calendar_lookup,
    dpm_rpm_lookup,
    land_use_classes,
    modelled_lookup,
    npp_fraction_lookup,
    paddy_lookup,
)
from recarb.harmonise.modal import EXCLUDED, modal_to_grid, shares_to_grid

__all__ = [
    "CLASS_COUNT",
    "DEFAULT_CROSSWALK",
    "EXCLUDED",
    "LOOKUP_LENGTH",
    "Crosswalk",
    "LandUseClass",
    "calendar_lookup",
    "count_codes",
    "crosswalk_names",
    "dpm_rpm_lookup",
    "land_use_classes",
    "load_crosswalk",
    "modal_to_grid",
    "modelled_lookup",
    "npp_fraction_lookup",
    "paddy_lookup",
    "reclassify",
    "shares_to_grid",
    "unknown_codes",
]

_LAYER = "the land-cover layer"
_MAX_CODE = 2**31
_NAMED_CODES = 10


def reclassify(
    codes: NDArray[Any], valid: NDArray[np.bool_], crosswalk: Crosswalk, *, where: str = _LAYER
) -> NDArray[np.uint8]:
    """Translate native codes into land use classes.

    Parameters
    ----------
    codes : (...) integer or float
        Native land-cover codes; a float layer must hold whole numbers.
    valid : (...) bool
        Where `codes` holds data.
    crosswalk : Crosswalk
        The table, see `load_crosswalk`.
    where : str
        File name for messages.

    Returns
    -------
    (...) uint8
        Class 1-13; 0 without data; `EXCLUDED` where the table excludes the code on purpose.
        `modal_to_grid` turns `EXCLUDED` into 0 after the vote.

    Raises
    ------
    MissingData
        A code has no row in the table.
    InputError
        A code is not a whole number.

    Examples
    --------
    >>> legend = load_crosswalk()
    >>> reclassify(np.array([10, 62, 0]), np.array([True, True, True]), legend).tolist()
    [2, 4, 0]
    """
    whole = _whole_codes(codes, valid, where)
    known, land_use = _rows(crosswalk)
    at = np.minimum(np.searchsorted(known, whole), known.size - 1)
    if not np.array_equal(known[at], whole):
        missing = unknown_codes(codes, valid, crosswalk, where=where)
        raise MissingData(_missing_message(missing, crosswalk, where))
    classes = np.zeros(codes.shape, dtype=np.uint8)
    classes[valid] = land_use[at]
    return classes


def count_codes(
    codes: NDArray[Any], valid: NDArray[np.bool_], *, where: str = _LAYER
) -> dict[int, int]:
    """Return how many valid cells carry each code, by code.

    >>> count_codes(np.array([10, 10, 130]), np.array([True, True, False]))
    {10: 2}
    """
    found, counts = np.unique(_whole_codes(codes, valid, where), return_counts=True)
    return dict(zip(found.tolist(), counts.tolist(), strict=True))


def unknown_codes(
    codes: NDArray[Any],
    valid: NDArray[np.bool_],
    crosswalk: Crosswalk,
    *,
    where: str = _LAYER,
) -> dict[int, int]:
    """Return the codes that have no row in the table, with their cell counts."""
    found = count_codes(codes, valid, where=where)
    known = {*crosswalk.classes, *crosswalk.nodata}
    return {code: cells for code, cells in found.items() if code not in known}


def _rows(crosswalk: Crosswalk) -> tuple[NDArray[np.int64], NDArray[np.uint8]]:
    rows: Mapping[int, int] = {
        **dict.fromkeys(crosswalk.nodata, 0),
        **{code: land_use or EXCLUDED for code, land_use in crosswalk.classes.items()},
    }
    known = sorted(rows)
    return np.array(known, dtype=np.int64), np.array([rows[k] for k in known], dtype=np.uint8)


def _whole_codes(
    codes: NDArray[Any], valid: NDArray[np.bool_], where: str
) -> NDArray[np.integer[Any]]:
    if codes.shape != valid.shape:
        raise GridMismatch(
            f"{where}: the codes have shape {codes.shape}, their mask {valid.shape}. "
            "Read both from the same window."
        )
    values = codes[valid]
    if np.issubdtype(values.dtype, np.integer):
        return values
    if not np.issubdtype(values.dtype, np.floating):
        raise InputError(f"{where}: expected land-cover codes as numbers, came {values.dtype}.")
    wrong = ~((np.abs(values) < _MAX_CODE) & (values == np.rint(values)))
    if wrong.any():
        examples = ", ".join(f"{v:g}" for v in np.unique(values[wrong])[:3])
        raise InputError(
            f"{where}: expected whole land-cover codes, came {int(wrong.sum()):,} cells of "
            f"{values.size:,} with other values ({examples}). Declare them as the nodata value of "
            "the file, or prepare it again without bilinear or cubic resampling."
        )
    return values.astype(np.int64)


def _missing_message(missing: Mapping[int, int], crosswalk: Crosswalk, where: str) -> str:
    most = sorted(missing.items(), key=lambda item: -item[1])
    named = ", ".join(f"{code} ({cells:,} cells)" for code, cells in most[:_NAMED_CODES])
    more = f" and {len(most) - _NAMED_CODES} more codes" if len(most) > _NAMED_CODES else ""
    hints = sorted({crosswalk.foreign[code] for code in missing if code in crosswalk.foreign})
    return " ".join(
        [
            f"{where}: land-cover codes without a row in the crosswalk '{crosswalk.name}': "
            f"{named}{more}.",
            f"Expected {', '.join(map(str, sorted(crosswalk.classes)))}.",
            *hints,
            "Choose the crosswalk of the layer's legend",
            f"({', '.join(crosswalk_names())}, or a .csv of your own with code,class,label),",
            "or add a row for each of these codes.",
        ]
    )
