"""The catalogue: every row complete, every unit one that can be parsed."""

import pytest

from recarb.core.config import Climate, Inputs
from recarb.core.quantities import catalogue
from recarb.core.units import conversion


@pytest.mark.parametrize("key", sorted(catalogue()))
def test_every_row_has_a_source_a_name_and_limits_in_order(key):
    quantity = catalogue()[key]
    assert quantity.source.strip() and quantity.long_name.strip()
    assert quantity.low < quantity.high


@pytest.mark.parametrize("key", sorted(catalogue()))
def test_its_own_unit_parses_and_is_the_identity(key):
    quantity = catalogue()[key]
    found = conversion(quantity.unit, quantity, key)
    assert (found.scale, found.offset, found.per_day) == (1.0, 0.0, False)


def test_carbon_is_named_by_substance_not_inside_the_unit():
    carbon = {key for key, quantity in catalogue().items() if quantity.substance == "C"}
    assert carbon == {"soc", "soc_sd", "soc_low", "soc_high", "npp_reference"}
    assert not any(" C" in quantity.unit for quantity in catalogue().values())


def test_every_layer_of_the_configuration_has_a_row():
    land_use = {"land_use_spin_up", "land_use_yearly", "land_use_forward"}  # row of land_use
    layers = set(Inputs.model_fields) - land_use
    climate = {"temperature", "rain", "pet", "temperature_min", "temperature_max"}
    climate |= {"radiation", "vapour_pressure", "wind", "elevation"}
    assert climate < set(Climate.model_fields)
    assert layers | climate <= set(catalogue())


def test_finite_limits_wherever_a_quantity_is_measured():
    measured = [quantity for quantity in catalogue().values() if not quantity.is_code]
    assert all(abs(q.low) < 1e5 and abs(q.high) < 1e5 for q in measured)
