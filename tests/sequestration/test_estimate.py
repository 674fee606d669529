"""What a run will take: cells as they are, more for more, never less than nothing."""

import shutil
from collections import namedtuple

import numpy as np
import pytest
from tests.bad_country import Country

from recarb.core.config import Ensemble, Variant
from recarb.core.findings import Severity
from recarb.sequestration.checks import check_run
from recarb.sequestration.estimate import PICTURES_BYTES, START_S, cell_seconds, estimate
from recarb.sequestration.pipeline import run


@pytest.fixture(scope="module")
def checked(tmp_path_factory):
    config = Country(tmp_path_factory.mktemp("country")).config()
    return config, check_run(config)


def test_the_cells_of_a_small_country_are_counted(checked):
    config, report = checked
    found = estimate(report, config)
    assert report.cells == 120
    assert found.cells == 120
    assert found.record()["cells"] == 120
    threads = found.plan.threads
    model = 120 * cell_seconds(config) / threads
    assert found.seconds == pytest.approx(report.seconds + START_S + model)
    assert "estimate of the run: about 120 cells" in found.line


def test_a_run_fits_into_its_estimate_of_the_disk(checked):
    config, report = checked
    folder = run(config).folder
    written = sum(path.stat().st_size for path in folder.rglob("*") if path.is_file())
    assert written < estimate(report, config).disk_bytes


def test_draws_variants_and_ensembles_take_longer_and_more_room(checked):
    config, report = checked
    plain = estimate(report, config)
    drawn = config.with_draws(1000)
    found = estimate(report, drawn)
    assert found.disk_bytes - PICTURES_BYTES > 2 * (plain.disk_bytes - PICTURES_BYTES)
    assert cell_seconds(drawn) > 50 * cell_seconds(config)
    delta = drawn.model_copy(
        update={"monte_carlo": drawn.monte_carlo.model_copy(update={"method": "delta"})}
    )
    assert cell_seconds(config) < cell_seconds(delta) < 0.1 * cell_seconds(drawn)
    mixed = config.model.model_copy(update={"variant": Variant(cover="mixed")})
    slow = drawn.model_copy(update={"model": mixed})
    assert cell_seconds(slow) > 3 * cell_seconds(drawn)
    ensemble = config.model_copy(update={"ensemble": Ensemble(models=("icbm",))})
    assert estimate(report, ensemble).disk_bytes > plain.disk_bytes


def test_a_large_country_is_sampled(tmp_path):
    country = Country(tmp_path)
    soc = country.layers["soc"]
    shape = soc.values.shape[1:]
    soc.transform *= soc.transform.scale(1 / 16)
    values = np.kron(soc.values[0], np.ones((16, 16)))
    values[:, : 16 * 6] = -1.0
    soc.nodata, soc.values = -1.0, values[None]
    report = check_run(country.config())
    assert report.cells == pytest.approx(shape[0] * 16 * 6 * 16, rel=0.2)


def test_no_estimate_where_nothing_can_run(tmp_path):
    country = Country(tmp_path)
    country.spoiled["clay"] = None
    config = country.config()
    assert estimate(check_run(config), config) is None


def test_a_small_disk_is_told(checked, monkeypatch):
    config, report = checked
    usage = namedtuple("usage", "total used free")
    monkeypatch.setattr(shutil, "disk_usage", lambda _: usage(10, 9, 1))
    before = len(report.findings)
    found = estimate(report, config)
    (told,) = report.findings[before:]
    del report.findings[before:]
    assert (told.code, told.severity) == ("little_disk", Severity.WARNING)
    assert "(1B are free)" in found.line
