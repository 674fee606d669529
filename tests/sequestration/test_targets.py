"""The gain a target needs, in closed form: what it says, put back into the model, is the target."""

import numpy as np
import pytest
from pydantic import ValidationError
from tests.factories import cells, config

from recarb.core.config import Target
from recarb.sequestration.simulate import simulate
from recarb.sequestration.targets import (
    ABOVE_NPP,
    BAU_ABOVE_NPP,
    MET,
    infeasible,
    target_counts,
    target_findings,
)

YEARS = 30
TARGETS = [
    {"name": "Relative", "rsr_tc_ha_per_yr": 0.2},
    {"name": "Today", "asr_tc_ha_per_yr": 0.2},
    {"name": "More", "rel_diff_tc_ha": 6.0},
    {"name": "Back", "abs_diff_tc_ha": 0.0},
]


def run(**more):
    return config(targets=TARGETS, forward={"years": YEARS}, uncertainty={"chains": False}, **more)


GOALS = [("Relative", "RSR", 0.2), ("Today", "ASR", 0.2), ("More", "RelDiff", 6.0),
         ("Back", "AbsDiff", 0.0)]  # fmt: skip


@pytest.mark.parametrize(("name", "key", "goal"), GOALS)
def test_the_gain_that_is_needed_reaches_the_target(name, key, goal):
    inputs = cells()
    needed = simulate(inputs, run())
    for i, gain in enumerate(needed[f"GainNeeded_{name}"].values):
        scenario = {"name": "Needed", "gain_pct": float(gain)}
        reached = simulate(inputs.isel(cell=[i]), run(scenarios=[scenario]))
        assert float(reached[f"{key}_Needed"][0]) == pytest.approx(goal, abs=1e-10)


def test_gain_and_input_say_the_same():
    maps = simulate(cells(), run())
    for target in TARGETS:
        gain, needed = (maps[f"{kind}_{target['name']}"] for kind in ("GainNeeded", "InputNeeded"))
        np.testing.assert_allclose(needed, maps["C_BAU"] * (1.0 + gain / 100.0), rtol=1e-12)


def test_a_rate_is_a_stock_by_the_years():
    maps = simulate(cells(), run())
    np.testing.assert_allclose(maps["GainNeeded_Relative"], maps["GainNeeded_More"], rtol=1e-12)


def test_every_reason_is_told_once():
    c_bau = np.array([1.0, 1.0, 1.0, 3.0, 3.0, np.nan])
    npp = np.array([2.0, 2.0, 2.0, 2.0, 2.0, 2.0])
    needed = np.array([1.5, 2.5, 0.5, 3.5, 2.5, np.nan])
    found = {key: where.tolist() for key, where in infeasible(needed, c_bau, npp).items()}
    assert found == {
        ABOVE_NPP: [False, True, False, False, False, False],
        BAU_ABOVE_NPP: [False, False, False, True, False, False],
        MET: [False, False, True, False, True, False],
    }


def test_cells_out_of_reach_are_counted_and_keep_their_number():
    big = config(targets=[{"name": "Huge", "rsr_tc_ha_per_yr": 3.0}], uncertainty={"chains": False})
    maps = simulate(cells(), big)
    assert np.isfinite(maps["GainNeeded_Huge"]).all()
    counts = target_counts(big, maps)
    assert counts["Huge:above_npp"] + counts["Huge:bau_above_npp"] == 4
    (finding,) = target_findings(counts)
    assert finding.code == "target_infeasible" and "NPP" in finding.message


def test_targets_within_reach_say_nothing():
    assert target_findings({"T:above_npp": 0, "T:bau_above_npp": 0, "T:met_by_bau": 0}) == []


@pytest.mark.parametrize("kinds", [{}, {"rsr_tc_ha_per_yr": 0.1, "asr_tc_ha_per_yr": 0.1}])
def test_a_target_is_one_thing(kinds):
    with pytest.raises(ValidationError, match="give one of"):
        Target.model_validate({"name": "T"} | kinds)


def test_targets_have_names_of_their_own():
    with pytest.raises(ValidationError, match="target names must be unique"):
        config(targets=[TARGETS[0], TARGETS[0]])
