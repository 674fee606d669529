"""The plan fits the memory it is given, and says what would do where nothing fits."""

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.factories import config

from recarb.core.errors import ConfigError
from recarb.sequestration.plan import MIB, SIZES, SMALL, Sources, parse_memory, plan_run

GIB = 1024 * MIB
COARSE = Sources(native_cells=9.0, climate_side=0.02, climate_margin=2, climate_months=480)
WORLD = (21600, 43200)


def test_memory_bounds_tiles_and_threads():
    tight, wide = (plan_run(config(), WORLD, COARSE, 8, memory) for memory in (GIB, 64 * GIB))
    assert (wide.tile_cells, wide.threads) == (SIZES[0], 8)
    assert tight.tile_cells == SMALL and 1 < tight.threads < 8
    assert tight.peak_bytes <= GIB


@given(
    st.integers(700, 100_000), st.integers(1, 64), st.integers(1, 20_000), st.integers(1, 20_000)
)
def test_no_plan_is_above_its_budget(memory_mib, threads, height, width):
    found = plan_run(config(), (height, width), COARSE, threads, memory_mib * MIB)
    assert found.peak_bytes <= memory_mib * MIB
    assert 1 <= found.threads <= threads <= found.in_flight * threads
    assert found.tile_cells in SIZES


def test_the_country_does_not_count():
    peaks = {plan_run(config(), (n, n), COARSE, 2, 2 * GIB).peak_bytes for n in (2000, 20_000)}
    assert len(peaks) == 1


def test_a_small_country_is_shared_by_the_threads_but_not_in_crumbs():
    assert plan_run(config(), (100, 100), COARSE, 8, 64 * GIB).tile_cells == SMALL
    assert plan_run(config(), (1000, 1000), COARSE, 2, 64 * GIB).tile_cells == SIZES[0]


def test_too_little_memory_is_refused_with_what_would_do():
    with pytest.raises(ConfigError, match="are too little") as caught:
        plan_run(config(), WORLD, COARSE, 2, 300 * MIB)
    least = parse_memory(re.search(r"--memory (\w+)", str(caught.value))[1])
    assert plan_run(config(), WORLD, COARSE, 2, least).threads == 1
    with pytest.raises(ConfigError):
        plan_run(config(), WORLD, COARSE, 2, least - 2 * MIB)


def test_run_toml_has_the_last_word_on_the_tiles():
    own = config(tile_cells=100)
    assert plan_run(own, WORLD, COARSE, 2, 8 * GIB, kept_tile_cells=64).tile_cells == 100
    with pytest.raises(ConfigError, match="choose smaller tile_cells"):
        plan_run(config(tile_cells=4096), WORLD, COARSE, 2, 8 * GIB)


def test_an_interrupted_run_keeps_its_tiles_where_they_fit():
    assert plan_run(config(), WORLD, COARSE, 2, 8 * GIB, kept_tile_cells=32).tile_cells == 32
    assert plan_run(config(), WORLD, COARSE, 2, GIB, kept_tile_cells=1024).tile_cells <= SMALL


def test_finer_maps_and_longer_series_take_more():
    fine = Sources(native_cells=1e4, climate_side=1.0, climate_margin=60, climate_months=480)
    plain, finer = (plan_run(config(), WORLD, s, 1, 16 * GIB) for s in (COARSE, fine))
    assert finer.peak_bytes / finer.tile_cells**2 > plain.peak_bytes / plain.tile_cells**2


def test_years_ahead_that_differ_take_more():
    def peak(**forward) -> int:
        own = config(forward=forward, tile_cells=64)
        return plan_run(own, WORLD, COARSE, 1, 16 * GIB).peak_bytes

    ramp = {"climate_change": {"pet_factor": 1.0, "ramp_years": 10}}
    assert peak() < peak(**ramp) < peak(**ramp, horizons=[100])
    assert peak() == peak(climate_change={"pet_factor": 1.0})


@pytest.mark.parametrize(
    ("text", "size"), [("2GiB", 2 * GIB), ("1.5 GB", 1_500_000_000), ("800mb", 800_000_000)]
)
def test_sizes(text, size):
    assert parse_memory(text) == size


@pytest.mark.parametrize("text", ["lots", "2 apples", "", "-1GiB", "2", "0GiB"])
def test_what_is_no_size(text):
    with pytest.raises(ConfigError, match="GiB"):
        parse_memory(text)
