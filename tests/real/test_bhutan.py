"""Bhutan's submitted maps: what is known to be wrong in them is found, and recarb runs beside."""

import numpy as np
import pytest
from tests.real import runs
from tests.realdata import data_folder, requires

from recarb.sequestration.compare import Options, compare, find_maps

pytestmark = [pytest.mark.realdata, requires("bhutan")]


def official(stem: str) -> np.ndarray:
    folder = data_folder() / runs.BHUTAN_OFFICIAL
    return runs.read_map(folder / f"Bhutan_GSOCseq_{stem}_Map030.tif")


def test_the_submission_has_all_maps_and_its_known_defects():
    assert len(find_maps(data_folder() / runs.BHUTAN_OFFICIAL)) == 29
    t0, rate = official("T0"), official("RSR_SSM1")
    assert (t0 == 0.0).sum() == 1084
    assert (t0 > 1000.0).sum() == 15
    missing = (official("finalSOC_BAU") == -999.0) & (official("finalSOC_SSM1") == -999.0)
    assert missing.sum() == 1093
    assert (rate[missing] == 0.0).all()  # fault 7


def test_recarb_runs_and_is_compared_with_it(finished, tmp_path):
    run = finished(runs.BHUTAN)
    assert run.report.ledger.run == 6423
    submitted = data_folder() / runs.BHUTAN_OFFICIAL
    found = compare(submitted, run.report.folder, tmp_path / "out", Options(nodata=(-999.0,)))
    assert found.notes == ()
    assert len(found.table) == 29
    rows = found.table.set_index("map")
    t0 = rows.loc["T0_Map030"]
    assert t0["implausible_in_a"] == 1084 + 15
    assert t0["correlation"] == pytest.approx(0.34, abs=0.01)  # as the data's README says
    assert np.isnan(rows.loc["ASR_BAU_Map030", "correlation"])  # BAU is flat without a warm-up
    assert rows.loc["RSR_SSM1_Map030", "mean_a"] == pytest.approx(0.0707, abs=1e-4)
