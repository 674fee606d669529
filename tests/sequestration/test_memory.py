"""The peak of a run stays below its budget, however large the country is, with draws or without."""

import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
import rasterio
from affine import Affine
from tests.bad_country import Country

from recarb.sequestration.plan import MIB

BUDGET_MIB = 720
FINER = 40  # the SOC map of 12 x 10 cells becomes one of 480 x 400
BUDGET_OF_DRAWS_MIB, FINER_DRAWN = 1200, 4

PEAK = """
import pathlib, re, sys
from recarb.core.config import load_config
from recarb.sequestration.pipeline import run
run(load_config(pathlib.Path(sys.argv[1])), threads=2, memory_bytes=int(sys.argv[2]))
print(re.search(r"VmHWM:\\s+(\\d+) kB", pathlib.Path("/proc/self/status").read_text())[1])
"""


def finer_soc(country: Country, finer: int) -> None:
    """The same SOC on a finer grid, which is then that of the run."""
    soc = country.layers["soc"]
    soc.values = np.repeat(np.repeat(soc.values, finer, axis=1), finer, axis=2)
    soc.transform *= Affine.scale(1.0 / finer)


def peak_mib(country: Country, budget_mib: int) -> float:
    """Of a run on two threads, in a process of its own."""
    command = [sys.executable, "-c", PEAK, str(country.write()), str(budget_mib * MIB)]
    ended = subprocess.run(command, capture_output=True, text=True, check=True)
    log = (country.output / "run.log").read_text()
    assert "2 thread(s)" in log, log  # a budget in which nothing runs beside another shows nothing
    return int(ended.stdout.splitlines()[-1]) / 1024


@pytest.mark.slow
@pytest.mark.skipif(not Path("/proc/self/status").is_file(), reason="the system tells no peak")
def test_the_peak_is_below_the_budget(tmp_path):
    country = Country(tmp_path)
    finer_soc(country, FINER)
    assert peak_mib(country, BUDGET_MIB) < BUDGET_MIB
    with rasterio.open(country.output / "BAD_GSOCseq_T0_Map030.tif") as made:
        assert made.shape == (400, 480)
        assert made.read(1, masked=True).count() > 100_000


@pytest.mark.slow
@pytest.mark.skipif(not Path("/proc/self/status").is_file(), reason="the system tells no peak")
def test_the_peak_of_draws_is_below_the_budget(tmp_path):
    country = Country(tmp_path)
    finer_soc(country, FINER_DRAWN)
    country.table["monte_carlo"] = {"draws": 1000, "correlation_km": [20.0]}
    assert peak_mib(country, BUDGET_OF_DRAWS_MIB) < BUDGET_OF_DRAWS_MIB
