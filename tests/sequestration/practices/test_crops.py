"""Worked examples of what crops and amendments leave in the soil."""

import pytest

from recarb.core.errors import ConfigError
from recarb.sequestration.practices.crops import (
    allocations,
    amendment_carbon,
    cover_crop_input,
    crop_input,
    residue_carbon,
    residues,
    root_carbon,
    sources,
)


@pytest.mark.parametrize("row", allocations().values(), ids=lambda row: row.crop)
def test_the_shares_of_a_crop_are_the_whole_plant(row):
    assert row.product + row.straw + row.root + row.exudates == pytest.approx(1.0, abs=0.0025)
    assert 0.0 <= row.straw_kept <= 1.0


@pytest.mark.parametrize("crop", ["wheat", "barley", "oat", "rye"])
def test_exudates_are_some_two_thirds_of_the_roots(crop):
    row = allocations()[crop]
    assert row.exudates / row.root == pytest.approx(0.65, abs=0.02)


def test_both_tables_have_a_source():
    assert all(len(text) > 10 for text in sources().values())


def test_input_of_wheat_by_hand():
    """5 t of grain hold 2.25 t C, the plant 2.25 / 0.322; straw baled, straw kept."""
    plant = 5.0 * 0.45 / 0.322
    assert crop_input("wheat", 5.0) == pytest.approx(plant * (0.482 * 0.15 + 0.118 + 0.078))
    assert crop_input("wheat", 5.0, straw_kept=1.0) == pytest.approx(plant * (1.0 - 0.322))
    assert crop_input("silage maize", 0.0) == 0.0


def test_residues_of_wheat_by_hand():
    """IPCC 2019 table 11.2: 1.51 x 4.45 + 0.52 = 7.24 t dry matter, 3.0 t C."""
    assert residue_carbon("wheat", 4.45) == pytest.approx(0.42 * 7.2395)
    assert root_carbon("wheat", 4.45) == pytest.approx(0.42 * 0.255 * (7.2395 + 4.45))


@pytest.mark.parametrize(("days", "expected"), [(90, 1.700), (180, 1.700), (200, 1.999),
                                                (240, 2.600), (365, 2.600)])  # fmt: skip
def test_cover_crop_as_soilmanager_1_0_gives_it(days, expected):
    """Its own tests say 1474 + 401 + 124 kg for 200 days; it rounds each to whole kilograms."""
    assert cover_crop_input(days) == pytest.approx(expected, abs=0.002)


def test_slurry_as_soilmanager_gives_it():
    """20 t of cattle slurry with 9 % dry matter, diluted by half: 377.1 kg C in its own tests."""
    assert amendment_carbon(20.0, 9.0 / 2.0, 41.9) == pytest.approx(0.3771, abs=5e-5)


@pytest.mark.parametrize(
    ("call", "told"),
    [
        (lambda: crop_input("teff", 1.0), "'teff'; there are wheat"),
        (lambda: residue_carbon("teff", 1.0), "'teff'; there are wheat"),
        (lambda: crop_input("wheat", -1.0), "yield of 0 or more"),
        (lambda: residue_carbon("wheat", float("nan")), "yield of 0 or more"),
        (lambda: crop_input("wheat", 1.0, straw_kept=1.5), "share from 0 to 1"),
        (lambda: root_carbon("potato", 5.0), "no root : shoot ratio of potato"),
    ],
)
def test_what_cannot_be_is_refused(call, told):
    with pytest.raises(ConfigError, match=told):
        call()


def test_every_crop_of_the_residue_table_gives_carbon():
    assert all(residue_carbon(crop, 5.0) > 0.0 for crop in residues())
