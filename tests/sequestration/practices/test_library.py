"""The library of practices: every row is sourced, and says what of it nobody has confirmed."""

import pytest

from recarb.core.config import AdoptedPractice
from recarb.core.errors import ConfigError
from recarb.harmonise.landuse_classes import land_use_classes
from recarb.sequestration.practices import crops
from recarb.sequestration.practices.library import library, practice

ROWS = list(library().values())


@pytest.mark.parametrize("row", ROWS, ids=lambda row: row.name)
def test_row_has_source_status_and_advice(row):
    assert len(row.source) > 10 and len(row.advice) > 10 and row.title
    assert row.status in {"sourced", "unverified"}
    if "general knowledge" in row.source or "not confirmed" in row.source:
        assert row.status == "unverified", "general knowledge is never sourced"


@pytest.mark.parametrize("row", ROWS, ids=lambda row: row.name)
def test_row_is_sound(row):
    assert set(row.land_use) <= set(land_use_classes()) and row.land_use
    has_number = row.effect in {"amount", "gain"}
    assert (row.value is not None) == has_number
    assert (row.low is None) == (row.high is None)
    if row.low is not None:
        assert 0.0 < row.low <= row.value <= row.high
    assert row.dpm_rpm is None or row.split is None
    if row.split is not None:
        assert sum(row.split) == pytest.approx(1.0, abs=1e-12)
    given = row.dpm_rpm is not None or row.split is not None
    assert (row.quality_status is not None) == given, "a quality has a status of its own"


def test_a_row_without_a_range_has_no_other_level():
    assert {row.name for row in ROWS if row.effect == "amount" and row.low is None} == {
        "slurry", "poultry-litter", "compost", "digestate",
    }  # fmt: skip


def test_the_levels_of_the_protocol_and_its_option():
    names = ("gsocseq-low", "gsocseq-medium", "gsocseq-high", "gsocseq-optional")
    assert [practice(name).value for name in names] == [5.0, 10.0, 20.0, 30.0]
    assert all(practice(name).status == "sourced" for name in names)


def test_manure_enters_as_rothc_splits_it():
    assert practice("farmyard-manure").split == (0.49, 0.49, 0.02)


@pytest.mark.parametrize("row", [r for r in ROWS if r.fresh_t_ha], ids=lambda row: row.name)
def test_an_amendment_is_the_carbon_of_its_fresh_weight(row):
    carbon = crops.amendment_carbon(row.fresh_t_ha, row.dry_matter_pct, row.carbon_pct)
    assert row.value == pytest.approx(carbon, abs=0.005)


def test_values_that_follow_from_a_formula_are_what_it_gives():
    cover = practice("cover-crop")
    assert [cover.low, cover.value, cover.high] == [
        pytest.approx(crops.cover_crop_input(days), abs=0.005) for days in (150, 200, 300)
    ]
    straw = crops.residue_carbon("wheat", 5.0 * 0.89)  # 11 % water
    kept = practice("residue-retention")
    assert [kept.low, kept.value, kept.high] == [
        pytest.approx(share * straw, abs=0.005) for share in (0.3, 0.5, 0.7)
    ]


def test_an_unknown_practice_is_refused_with_what_there_is():
    with pytest.raises(ConfigError, match=r"'covercrop'; there are .*cover-crop"):
        practice("covercrop")


def test_names_can_be_written_in_run_toml():
    for row in ROWS:
        assert AdoptedPractice(practice=row.name).practice == row.name
