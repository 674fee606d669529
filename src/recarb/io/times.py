"""Which month a band is of: read from NetCDF time, or from band names."""

import re
from typing import Any

NAME = re.compile(r"(?<!\d)((?:18|19|20)\d{2})[-_ ]?(0[1-9]|1[0-2])(?!\d)")


def from_names(names: tuple[str | None, ...]) -> list[str]:
    """`YYYY-MM` of band names such as `1981-01`, `198101` or `pr_1981-01`; [] if any has none.

    >>> from_names(("pr 1981-01", "pr 1981-02"))
    ['1981-01', '1981-02']
    >>> from_names(("Jan", "Feb"))
    []
    """
    found = [NAME.search(name or "") for name in names]
    if not found or any(match is None for match in found):
        return []
    return [f"{match.group(1)}-{match.group(2)}" for match in found if match is not None]


def from_netcdf(source: Any) -> list[str]:
    """`YYYY-MM` of every band of a NetCDF variable with a CF time axis, else []."""
    tags = source.tags()
    units = tags.get("time#units")
    values = [source.tags(band).get("NETCDF_DIM_time") for band in source.indexes]
    if units is None or any(value is None for value in values):
        return []
    import cftime

    dates = cftime.num2date(
        [float(value) for value in values if value is not None],
        units,
        calendar=tags.get("time#calendar", "standard"),
    )
    return [f"{date.year:04d}-{date.month:02d}" for date in dates]
