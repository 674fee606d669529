"""A whole run under protocol fao-r: all maps, counts of what has no value, any tiles alike."""

import json

import numpy as np
import pytest
import rasterio
from tests.factories import cells, config

from recarb.core.config import load_config
from recarb.sequestration import pipeline
from recarb.sequestration.example import write_example
from recarb.sequestration.ledger import Ledger
from recarb.sequestration.run_record import after_findings
from recarb.sequestration.simulate import simulate
from recarb.sequestration.summary import Summary


@pytest.fixture(scope="module")
def tinyland(tmp_path_factory):
    folder = tmp_path_factory.mktemp("tinyland")
    write_example(folder / "country")
    path = folder / "country" / "run.toml"
    path.write_text('protocol = "fao-r"\n' + path.read_text(encoding="utf-8"), encoding="utf-8")
    return load_config(path)


def test_all_29_maps_whatever_the_tiles(tinyland, tmp_path):
    folders = []
    for size in (8, 64):
        changes = {"output": tmp_path / f"out{size}", "tile_cells": size}
        report = pipeline.run(tinyland.model_copy(update=changes), threads=1)
        folders.append(report.folder)
    names = sorted(path.name for path in folders[0].glob("*.tif"))
    assert len(names) == 29
    for name in names:
        assert (folders[0] / name).read_bytes() == (folders[1] / name).read_bytes(), name
    with rasterio.open(folders[0] / names[0]) as source:
        assert source.tags()["protocol"].startswith("GSOCseq, fao-r")
    record = json.loads((folders[0] / "provenance.json").read_text())
    assert record["config"]["protocol"] == "fao-r"
    assert record["cells"]["run"] > 100


def test_a_stock_without_a_value_is_left_out_of_the_means_and_counted():
    inputs = cells()
    inputs["temperature_forward"][:, 0] = 27.0
    inputs["rain_forward"][:, 0], inputs["pet_forward"][:, 0] = 300.0, 100.0
    inputs["cover_forward"][:, 0] = 1.0
    maps = simulate(inputs, config(protocol="fao-r"))
    assert np.isnan(maps["finalSOC_BAU"].values).tolist() == [True, False, False, False]
    summary = Summary(("country",), ("BAU", "SSM1", "SSM2", "SSM3"))
    ones = np.ones(4, dtype=np.uint16)
    summary.add(maps, ones, ones.astype(np.uint8), np.full(4, 100.0))
    row = summary.table().iloc[0]
    assert row["cells"] == 3
    assert row["mean_t0_tc_ha"] == pytest.approx(maps["T0"].values[1:].mean(), rel=1e-8)


def test_filtered_stocks_are_a_finding():
    counts = {
        "c_eq_above_npp_cells": 0,
        "implausible_cells": {},
        "stocks_outside_0_to_300": {"finalSOC_SSM1": 7},
    }
    (finding,) = after_findings(counts, Ledger())
    assert (finding.code, finding.where) == ("stocks_filtered", "finalSOC_SSM1")
    assert "7 cells" in finding.message
