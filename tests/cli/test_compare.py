"""`recarb compare` from the command line."""

import numpy as np
from tests.factories import geobox, write_raster
from typer.testing import CliRunner

from recarb.cli import app, register

if not app.registered_commands:
    register.commands(app)


def write(folder, stock):
    path = folder / "XXX_GSOCseq_T0_Map030.tif"
    write_raster(path, np.full((6, 8), stock, np.float32), geobox(10.0, 50.0, 0.1, (6, 8)))
    return folder


def test_prints_the_table_and_says_where_the_rest_is(tmp_path):
    one, two = write(tmp_path / "one", 50.0), write(tmp_path / "two", 52.5)
    out = tmp_path / "out"
    result = CliRunner().invoke(app, ["compare", str(one), str(two), "--out", str(out)])
    assert result.exit_code == 0, result.output
    assert "T0_Map030" in result.output
    assert "2.5" in result.output
    names = {path.name for path in out.rglob("*") if path.is_file()}
    assert names == {
        "statistics.csv",
        "comparison.json",
        "T0_Map030_difference.tif",
        "T0_Map030.png",
        "T0_Map030_scatter.png",
    }


def test_options_reach_the_comparison(tmp_path):
    one, two = write(tmp_path / "one", 50.0), write(tmp_path / "two", -999.0)
    asked = ["--nodata=-999", "--no-pictures", "--all-values", "--out", str(tmp_path / "out")]
    result = CliRunner().invoke(app, ["compare", str(one), str(two), *asked])
    assert result.exit_code == 0, result.output
    assert not (tmp_path / "out" / "pictures").exists()
    assert " 48 " in result.output  # cells that only A has
