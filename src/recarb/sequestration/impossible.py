"""Values that cannot be: telling missing values nobody declared from a wrong unit or scale."""

from collections import Counter
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from recarb.core.findings import Finding, Severity
from recarb.core.quantities import Quantity
from recarb.io.raster import HUGE, HUGE_TOLERANCE, ROI, LayerFile, read_raw_codes

Floats = NDArray[np.float64]
Bools = NDArray[np.bool_]

# Numbers that mean "missing" in public files. Matched as they stand in the file, unscaled.
SENTINELS = (
    *(-99.0, -99.9, -999.0, -999.9, -9999.0, -9999.9, -99999.0, 9999.0, 99999.0),
    *(-32768.0, -32767.0, 32767.0, 65535.0, -2147483648.0, 2147483647.0),
    *(-3.4028234663852886e38, 3.4028234663852886e38, -1.7976931348623157e308),
    *(9.969209968386869e36, 1.0e20, -1.0e20, 1.0e30, -1.0e30),
)
BYTE_SENTINELS = (-128.0, 255.0)  # in a wider type these are plain numbers, 255 K for example
ROUNDED = 1e-6  # relative
FEW = 8  # different numbers that are listed
SOME_CELLS = 0.01  # below this share of the cells, single faults are likelier than a wrong unit
FIRST_KELVIN, LAST_KELVIN = 200.0, 330.0  # air temperatures on Earth [K]
KELVIN = 'this looks like kelvin: unit = "K"'


@dataclass(frozen=True)
class _Place:
    band: int
    row: int
    column: int
    value: float
    raw: str


@dataclass
class Impossible:
    """The impossible values of one layer, block by block."""

    layer: LayerFile
    missing: Counter[str] = field(default_factory=Counter)  # number in the file -> cells
    numbers: Counter[str] | None = field(default_factory=Counter)  # other numbers, if FEW
    cells: int = 0  # with those other numbers
    low: float = np.inf
    high: float = -np.inf
    first: _Place | None = None
    typical: float = np.nan

    def add(self, values: Floats, wrong: Bools, bands: list[int], window: ROI) -> None:
        """Look closer at a block with impossible values, (band, y, x)."""
        for i in np.flatnonzero(wrong.any(axis=(1, 2))):
            raw, _ = read_raw_codes(self.layer, bands[i], window)
            at = np.nonzero(wrong[i])
            known = is_sentinel(raw[at])
            self.missing.update(_counted(raw[at][known]))
            if not known.all():
                at = (at[0][~known], at[1][~known])
                self._add_others(values[i], raw, at, bands[i], window)

    def _add_others(
        self,
        values: Floats,
        raw: NDArray[np.generic],
        at: tuple[NDArray[np.intp], NDArray[np.intp]],
        band: int,
        window: ROI,
    ) -> None:
        self.cells += at[0].size
        self.low = min(self.low, float(values[at].min()))
        self.high = max(self.high, float(values[at].max()))
        if self.numbers is not None:
            self.numbers.update(_counted(raw[at], FEW + 1))
            self.numbers = self.numbers if len(self.numbers) <= FEW else None
        if self.first is None:
            row, column = int(at[0][0]), int(at[1][0])
            self.first = _Place(
                band,
                row + window[0].start,
                column + window[1].start,
                float(values[row, column]),
                _text(raw[row, column]),
            )
            self.typical = float(np.nanmedian(values[~is_sentinel(raw)]))

    def findings(self, valid: int) -> list[Finding]:
        """What to tell; `valid` is the number of values that were read."""
        repeated = self.numbers is not None and len(self.numbers) == 1 and self.cells > 1
        if repeated and self.numbers:
            self.missing.update(self.numbers)
        found = [self._undeclared()] if self.missing else []
        if self.cells and not repeated:
            found.append(self._outside(self.cells / max(valid, 1)))
        return found

    def _undeclared(self) -> Finding:
        quantity = self.layer.quantity
        numbers = sorted(self.missing, key=float, reverse=True)
        named = ", ".join(f"{number} ({_times(self.missing[number])})" for number in numbers)
        return Finding(
            "undeclared_nodata",
            Severity.ERROR,
            self.layer.where,
            f"holds {named}, which cannot be {quantity.long_name} ({_range(quantity)}) and which "
            "nothing declares as missing",
            "if they mean missing, write beside its path: nodata = "
            f"[{', '.join([*map(_text, self.layer.layer.nodata), *numbers])}]",
        )

    def _outside(self, share: float) -> Finding:
        first, quantity = self.first, self.layer.quantity
        assert first is not None  # noqa: S101 - set with the first cell
        place = f"band {first.band}, row {first.row}, column {first.column}"
        return Finding(
            "impossible_value",
            Severity.ERROR,
            self.layer.where,
            f"expected {quantity.long_name} of {_range(quantity)}, found {self.low:g} to "
            f"{self.high:g}, {_times(self.cells)} ({share:.1%}). The first: {place} is "
            f"{first.value:g} {quantity.unit} ({first.raw} in the file, unit {self.layer.unit!r} "
            f"from {self.layer.unit_from})",
            self._hint(first, share),
        )

    def _hint(self, first: _Place, share: float) -> str:
        if _is_kelvin(self.typical, self.layer.quantity):
            return KELVIN
        conversion = self.layer.conversion
        unscaled = float(first.raw) * conversion.scale + conversion.offset
        if not (conversion.per_day or np.isclose(unscaled, first.value)):
            return (
                "the scale factor in the file's tags was applied; if the numbers are scaled "
                "already, write apply_scale = false"
            )
        if self.high < self.layer.quantity.low == 0.0:
            return (
                "negative numbers: if they mean missing, declare them with nodata = [...]; if not, "
                "is a scale factor or an offset wrong?"
            )
        return unit_hint(self.layer.quantity, self.typical, share)


def _is_kelvin(typical: float, quantity: Quantity) -> bool:
    return quantity.unit == "degC" and FIRST_KELVIN < typical < LAST_KELVIN


def unit_hint(quantity: Quantity, typical: float, share: float) -> str:
    """What impossible values usually mean, judged by the median and by how many they are."""
    if _is_kelvin(typical, quantity):
        return KELVIN
    if share < SOME_CELLS:
        return (
            "these are few: correct them in the file, or declare them missing with nodata = [...]"
        )
    if quantity.unit == "degC":
        return (
            'are these tenths of a degree (unit = "0.1 degC"), is a scale factor missing, or are '
            "temperature and rain swapped?"
        )
    if quantity.key in {"clay", "sand"}:
        return 'this looks like g/kg (unit = "g/kg"); if not: is it another layer, SOC for example?'
    if quantity.key == "soc":
        return 'is the unit right ("t/ha", "kg/m2", "g/m2"), or is a scale factor missing?'
    return "is it the right file, is its unit right, or is a scale factor missing or applied twice?"


def is_sentinel(raw: NDArray[np.generic]) -> Bools:
    """Where a number as it stands in the file is one that commonly means "missing"."""
    values = raw.astype(np.float64)
    found = np.zeros(values.shape, dtype=bool)
    for number in (*SENTINELS, *(BYTE_SENTINELS if raw.dtype.itemsize == 1 else ())):
        near = (HUGE_TOLERANCE if abs(number) >= HUGE else ROUNDED) * abs(number)
        found |= (values >= number - near) & (values <= number + near)
    return found


def _counted(raw: NDArray[np.generic], at_most: int | None = None) -> dict[str, int]:
    numbers, counts = np.unique(raw, return_counts=True)
    cut = slice(at_most)
    return {_text(n): int(c) for n, c in zip(numbers[cut], counts[cut], strict=True)}


def _text(number: object) -> str:
    """The number with just the digits its own type needs: -3.4028235e+38, -999."""
    return str(number).removesuffix(".0")


def _times(count: int) -> str:
    return "once" if count == 1 else f"{count:,} times"


def _range(quantity: Quantity) -> str:
    return f"{quantity.low:g} to {quantity.high:g} {quantity.unit}"
