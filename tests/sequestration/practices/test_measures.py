"""What a practice of run.toml comes to: numbers, places, years, doubts."""

import numpy as np
import pytest
from pydantic import ValidationError
from tests.factories import config

from recarb.core.config import AdoptedPractice
from recarb.core.errors import ConfigError
from recarb.core.findings import Severity
from recarb.sequestration.practices.measures import (
    adopting_share,
    check_units,
    measures_of,
    practice_findings,
)


def run(*practices, **more):
    return config(scenarios=[{"name": "P", "practices": list(practices)}], **more)


def measure(**practice):
    return measures_of(run(practice))["P"][0]


def codes(*practices, **more):
    return [(f.code, f.severity) for f in practice_findings(run(*practices, **more))]


def test_numbers_of_the_library():
    found = measure(practice="farmyard-manure")
    assert (found.relative, found.value, found.entry) == (False, 0.90, (0.49, 0.49, 0.02))
    assert found.land_use == (2, 3, 12)
    assert measure(practice="farmyard-manure", level="low").value == 0.45
    assert measure(practice="gsocseq-medium").relative
    assert measure(practice="gsocseq-medium").value == pytest.approx(0.10)
    assert measure(practice="gsocseq-medium").entry is None


def test_own_numbers_go_before_the_library():
    own = measure(practice="cover-crop", amount_tc_ha_per_yr=1.2, dpm_rpm=1.0, land_use=[2])
    assert (own.value, own.entry, own.land_use) == (1.2, (0.5, 0.5, 0.0), (2,))
    assert measure(practice="farmyard-manure", fresh_t_ha_per_yr=20.0).value == pytest.approx(
        20.0 * 0.21 * 0.428
    )
    free = measure(gain_pct=7.0, split=[0.2, 0.7, 0.1])
    assert (free.relative, free.value, free.entry) == (True, pytest.approx(0.07), (0.2, 0.7, 0.1))
    assert free.land_use == ()


@pytest.mark.parametrize(
    ("practice", "told"),
    [
        ({"practice": "no-till"}, "there is no practice 'no-till'"),
        ({"practice": "no-tillage"}, "brings no carbon input"),
        ({"practice": "biochar", "amount_tc_ha_per_yr": 1.0}, "brings no carbon input"),
        ({"practice": "nitrogen"}, "no typical number of nitrogen"),
        ({"practice": "slurry", "level": "high"}, "no high number of slurry"),
        ({"practice": "cover-crop", "land_use": [2, 3]}, "land use 2, 13; came 3"),
        ({"practice": "cover-crop", "fresh_t_ha_per_yr": 9.0}, "cover-crop is none"),
    ],
)
def test_what_the_library_cannot_give_is_refused(practice, told):
    with pytest.raises(ConfigError, match=told):
        measures_of(run(practice))


def test_two_practices_that_change_the_cover_are_refused():
    both = [{"gain_pct": 5.0, "cover_months": [1]}, {"gain_pct": 3.0, "cover_months": [2]}]
    with pytest.raises(ConfigError, match="both change the cover"):
        measures_of(run(*both))


@pytest.mark.parametrize(
    ("practice", "told"),
    [
        ({}, "name a `practice`"),
        ({"practice": "slurry", "gain_pct": 1.0, "amount_tc_ha_per_yr": 1.0}, "give one of"),
        ({"practice": "slurry", "gain_pct": 1.0, "level": "low"}, "level chooses"),
        ({"gain_pct": 1.0, "dpm_rpm": 1.0, "split": [0.5, 0.5, 0.0]}, "not both"),
        ({"gain_pct": 1.0, "split": [0.5, 0.4, 0.0]}, "sum to 1"),
        ({"gain_pct": 1.0, "adoption": 1.5}, "less than or equal to 1"),
        ({"gain_pct": 1.0, "adoption": {}}, "expected years"),
        ({"gain_pct": 1.0, "adoption": {"soon": 0.5}}, "came 'soon'"),
        ({"gain_pct": 1.0, "adoption": {"2025": 0.5, "2030": 0.4}}, "adoption falls in 2030"),
        ({"gain_pct": 1.0, "adoption_linear": True}, "needs years"),
        ({"gain_pct": 1.0, "cover_months": [0]}, "greater than or equal to 1"),
        ({"gain_pct": -1.0}, "greater than or equal to 0"),
    ],
)
def test_what_run_toml_cannot_say_is_refused(practice, told):
    with pytest.raises(ValidationError, match=told):
        AdoptedPractice.model_validate(practice)


@pytest.mark.parametrize(
    ("scenario", "told"),
    [
        ({"gain_pct": 5.0}, "practices or gain_pct, not both"),
        ({"c_input_tc_ha_per_yr": 2.0}, "practices or c_input_tc_ha_per_yr"),
        ({"practices": [{"gain_pct": 1.0, "zone": [3]}]}, "no map of zones"),
        ({"practices": [{"gain_pct": 1.0, "unit": ["North"]}]}, "no unit has a name"),
        ({"practices": [{"gain_pct": 1.0, "adoption": {"2020": 0.5}}]}, "from 2021 to 2040"),
        ({"practices": [{"gain_pct": 1.0, "adoption": {"2041": 0.5}}]}, "from 2021 to 2040"),
    ],
)
def test_a_scenario_that_contradicts_the_run_is_refused(scenario, told):
    with pytest.raises(ValidationError, match=told):
        config(scenarios=[{"name": "P", "practices": [{"gain_pct": 1.0}]} | scenario])


def test_units_that_the_boundary_does_not_have_are_refused():
    there = {"boundary": {"path": "b.geojson", "unit_field": "name"}}
    good = run({"gain_pct": 1.0, "unit": ["North"]}, **there)
    check_units(good, ("North", "South"))
    with pytest.raises(ConfigError, match="'North'; the boundary has East, West"):
        check_units(good, ("East", "West"))


def test_adoption_in_steps():
    one = AdoptedPractice(gain_pct=1.0, adoption={2023: 0.1, 2025: 0.5})
    np.testing.assert_allclose(adopting_share(one, 2021, 6), [0.0, 0.0, 0.1, 0.0, 0.4, 0.0])


def test_adoption_along_a_line():
    one = AdoptedPractice(gain_pct=1.0, adoption={2021: 0.1, 2025: 0.5}, adoption_linear=True)
    np.testing.assert_allclose(
        np.cumsum(adopting_share(one, 2021, 6)), [0.1, 0.2, 0.3, 0.4, 0.5, 0.5]
    )


def test_a_constant_share_is_there_from_the_first_year():
    assert adopting_share(AdoptedPractice(gain_pct=1.0, adoption=0.3), 2021, 3).tolist() == [
        0.3, 0.0, 0.0,
    ]  # fmt: skip


def test_trees_grow_after_they_were_planted():
    found = measure(gain_pct=1.0, ramp_years=4, adoption={"2021": 0.4, "2023": 0.8})
    np.testing.assert_allclose(found.adopted[:7], [0.1, 0.2, 0.4, 0.6, 0.7, 0.8, 0.8])


def test_a_practice_without_a_ramp_is_what_was_adopted():
    found = measure(gain_pct=1.0, adoption={"2021": 0.4, "2023": 0.8})
    np.testing.assert_allclose(found.adopted[:4], [0.4, 0.4, 0.8, 0.8])


def test_a_number_nobody_has_confirmed_stops_the_run():
    stops = ("unverified_practice", Severity.SUSPICIOUS)
    assert codes({"practice": "improved-grazing"}) == [stops]
    assert codes({"practice": "slurry"}) == [stops]  # its split
    assert codes({"practice": "slurry", "dpm_rpm": 2.0}) == []
    assert codes({"practice": "improved-grazing", "gain_pct": 8.0}) == []
    assert codes({"practice": "farmyard-manure"}) == []
    assert codes({"practice": "gsocseq-high"}) == []
    assert codes({"gain_pct": 3.0}) == []


def test_a_practice_that_keeps_the_soil_covered_says_so():
    assert codes({"practice": "cover-crop"}) == [("practice_cover", Severity.NOTE)]
    assert codes({"practice": "cover-crop", "cover_months": [10, 11, 12]}) == []
