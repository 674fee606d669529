"""Units at the door: what public files write, and what it becomes."""

import numpy as np
import pytest

from recarb.core.errors import UnitError
from recarb.core.quantities import catalogue
from recarb.core.units import C_TO_CO2, Conversion, conversion, normalise


def becomes(unit: str, key: str, value: float = 1.0, days: float | None = None) -> float:
    """`value` in `unit` in the canonical unit of `key`."""
    converter = conversion(unit, catalogue()[key], "a.tif")
    per_band = None if days is None else np.array([days])
    return float(converter.apply(np.array([value]), per_band)[0])


@pytest.mark.parametrize(
    "unit",
    ["t C ha-1", "tC/ha", "t C/ha", "t/ha", "t ha-1", "t ha^-1", "Mg C ha-1", "MgC/ha", "Mg ha-1",
     "t / ha", "tonnes/ha", "tonnes C ha-1", "tonne C/ha", "ton/ha", "tons C/ha", "Ton/ha"],
)  # fmt: skip
def test_a_tonne_per_hectare_in_all_its_spellings(unit):
    """A ton without a name is the metric one: soil maps use no other."""
    assert becomes(unit, "soc", 55.0) == pytest.approx(55.0, rel=1e-12)


@pytest.mark.parametrize(
    ("unit", "factor"),
    [("kg C m-2", 10.0), ("kgC/m2", 10.0), ("kg/m2", 10.0), ("kg m-2", 10.0), ("kg m^-2", 10.0),
     ("g/m2", 0.01), ("g C m-2", 0.01), ("gC/m2", 0.01), ("0.1 t/ha", 0.1), ("10 * t/ha", 10.0)],
)  # fmt: skip
def test_stocks_of_other_units(unit, factor):
    assert becomes(unit, "soc", 3.0) == pytest.approx(3.0 * factor, rel=1e-12)


@pytest.mark.parametrize(
    ("unit", "factor"),
    [("g/kg", 0.1), ("g kg-1", 0.1), ("%", 1.0), ("percent", 1.0), ("pct", 1.0), ("% (mass)", 1.0),
     ("mass %", 1.0), ("1", 100.0), ("fraction", 100.0), ("-", 100.0), ("kg/kg", 100.0),
     ("0.1 %", 0.1)],
)  # fmt: skip
def test_clay(unit, factor):
    assert becomes(unit, "clay", 2.0) == pytest.approx(2.0 * factor, rel=1e-12)


@pytest.mark.parametrize(
    "unit",
    ["degC", "degrees celsius", "degree Celsius", "degrees_Celsius", "Celsius", "C", "deg C",
     "deg_C", "°C"],
)  # fmt: skip
def test_degrees_celsius_stay_as_they_are(unit):
    assert conversion(unit, catalogue()["temperature"], "a.tif") == Conversion(1.0, 0.0)


@pytest.mark.parametrize("unit", ["K", "kelvin", "Kelvin"])
def test_kelvin(unit):
    assert becomes(unit, "temperature", 273.15) == 0.0
    assert becomes(unit, "temperature", 300.0) == pytest.approx(26.85, abs=1e-12)


def test_tenths_of_a_degree_and_of_a_kelvin():
    assert becomes("0.1 degC", "temperature", -57.0) == pytest.approx(-5.7, abs=1e-12)
    assert becomes("0.1 K", "temperature", 2731.5) == pytest.approx(0.0, abs=1e-10)


def test_fahrenheit_has_its_own_zero_and_step():
    assert becomes("degF", "temperature", 212.0) == pytest.approx(100.0, abs=1e-9)


@pytest.mark.parametrize("unit", ["mm/month", "mm month-1", "mm per month", "mm mon-1", "mm/mo",
                                  "kg m-2 month-1"])  # fmt: skip
def test_a_monthly_depth_does_not_look_at_the_days(unit):
    assert becomes(unit, "rain", 80.0, days=28.0) == pytest.approx(80.0, rel=1e-12)


@pytest.mark.parametrize("unit", ["mm/day", "mm day-1", "mm per day", "mm d-1", "mm/d"])
@pytest.mark.parametrize("days", [28.0, 28.25, 29.0, 31.0])
def test_a_daily_depth_takes_the_real_days(unit, days):
    """PET of CRU is mm/day; times 30 for every month is a known mistake."""
    assert becomes(unit, "pet", 3.0, days=days) == pytest.approx(3.0 * days, rel=1e-12)


def test_metres_per_day():
    assert becomes("m/day", "rain", 0.002, days=30.0) == pytest.approx(60.0, rel=1e-12)


@pytest.mark.parametrize("unit", ["kg m-2 s-1", "kg/m2/s", "mm/s", "mm s-1"])
def test_water_per_second(unit):
    assert becomes(unit, "rain", 1e-5, days=31.0) == pytest.approx(1e-5 * 86400 * 31, rel=1e-12)


@pytest.mark.parametrize("unit", ["mm", "mm/year", "m", "kg m-2"])
def test_rain_must_say_per_what(unit):
    with pytest.raises(UnitError, match="per month, per day or per second"):
        conversion(unit, catalogue()["rain"], "rain (p.tif)")


def test_a_daily_unit_without_days_is_refused():
    with pytest.raises(UnitError, match="days of each month"):
        becomes("mm/day", "rain", 3.0)


@pytest.mark.parametrize(
    ("unit", "key", "factor"),
    [("t C ha-1 yr-1", "npp_reference", 1.0), ("t/ha/year", "npp_reference", 1.0),
     ("g C m-2 yr-1", "npp_reference", 0.01), ("gC/m2/yr", "npp_reference", 0.01),
     ("kPa", "vapour_pressure", 10.0), ("Pa", "vapour_pressure", 0.01),
     ("MJ m-2 day-1", "radiation", 1e6 / 86400), ("km/h", "wind", 1 / 3.6),
     ("metres", "elevation", 1.0), ("cm", "elevation", 0.01), ("%", "cover", 0.01),
     ("mS/cm", "electrical_conductivity", 1.0), ("S m-1", "electrical_conductivity", 10.0)],
)  # fmt: skip
def test_the_other_quantities(unit, key, factor):
    assert becomes(unit, key, 5.0) == pytest.approx(5.0 * factor, rel=1e-12)


@pytest.mark.parametrize(
    ("unit", "key"),
    [("mm", "soc"), ("degC", "clay"), ("t ha-1", "temperature"), ("nonsense", "soc"),
     ("t CO2 ha-1", "soc"), ("", "soc"), ("percent", "soc"), ("t/ha/yr", "soc")],
)  # fmt: skip
def test_what_cannot_become_the_quantity_is_refused_with_advice(unit, key):
    with pytest.raises(UnitError) as caught:
        conversion(unit, catalogue()[key], f"{key} (map.tif)")
    text = str(caught.value)
    assert "map.tif" in text and repr(unit) in text and catalogue()[key].unit in text
    assert "Set `unit` in run.toml" in text and "for example" in text


def test_carbon_is_not_read_as_coulomb_or_celsius():
    assert normalise("g C m-2 yr-1") == "g m-2 yr-1"
    assert normalise("kgC/m2") == "kg/m2"


def test_classes_are_never_scaled():
    assert conversion("whatever", catalogue()["land_use"], "a.tif") == Conversion(1.0, 0.0)


def test_carbon_to_carbon_dioxide():
    """Molar masses 44 and 12; the manual's factor."""
    assert pytest.approx(3.6667, abs=1e-4) == C_TO_CO2
