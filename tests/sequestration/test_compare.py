"""Two sets of maps against each other: statistics by hand, grids that differ, bad folders."""

import json
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import rasterio
from tests.factories import geobox, write_raster

from recarb.core.errors import ConfigError, GridMismatch, InputError, UnitError
from recarb.core.grid import Tile, cell_areas_ha
from recarb.sequestration.compare import Options, compare, find_maps, kind_of

GRID = geobox(10.0, 50.0, 0.1, (2, 3))
T0_A = np.array([[10.0, 20.0, 30.0], [40.0, np.nan, 60.0]])
T0_B = np.array([[11.0, 20.0, 33.0], [np.nan, 50.0, 66.0]])


def write(folder: Path, code: str = "XXX", grid=GRID, unit: str | None = None, **maps) -> Path:
    for stem, values in maps.items():
        write_raster(
            folder / f"{code}_GSOCseq_{stem}.tif", values.astype(np.float32), grid,
            nodata=float("nan"), unit=unit,
        )  # fmt: skip
    return folder


@pytest.fixture
def pair(tmp_path):
    return (
        write(tmp_path / "a", T0_Map030=T0_A),
        write(tmp_path / "b", "Land", T0_Map030=T0_B),
    )


def run(pair, tmp_path, **options):
    return compare(*pair, tmp_path / "out", Options(**options))


def test_statistics_by_hand(pair, tmp_path):
    row = run(pair, tmp_path, tolerance_pct=5.0).table.iloc[0]
    area = cell_areas_ha(GRID, Tile(slice(0, 2), slice(0, 3)))
    weight = area[[0, 0, 0, 1], [0, 1, 2, 2]]
    weight = weight / weight.sum()
    off = np.array([1.0, 0.0, 3.0, 6.0])
    assert row["map"] == "T0_Map030"
    assert (row["cells"], row["only_in_a"], row["only_in_b"]) == (4, 1, 1)
    assert row["mean_difference"] == pytest.approx((weight * off).sum())
    assert row["mean_a"] == pytest.approx((weight * [10.0, 20.0, 30.0, 60.0]).sum())
    assert row["rmse"] == pytest.approx(np.sqrt((weight * off**2).sum()))
    assert row["correlation"] == pytest.approx(1.0, abs=1e-2)
    assert row["within_pct"] == pytest.approx(100.0 * weight[1])
    assert 1.0 < row["difference_q50"] < 3.0
    assert row["area_ha"] == pytest.approx(area[[0, 0, 0, 1], [0, 1, 2, 2]].sum())


def test_the_means_are_weighted_by_area(tmp_path):
    tall = geobox(0.0, 80.0, 20.0, (4, 1))  # cells shrink towards the pole
    values = np.array([[8.0], [1.0], [1.0], [1.0]])
    one = write(tmp_path / "a", grid=tall, ASR_BAU_Map030=np.ones((4, 1)))
    two = write(tmp_path / "b", grid=tall, ASR_BAU_Map030=values / 2.0)
    row = run((one, two), tmp_path).table.iloc[0]
    assert row["mean_b"] < (values / 2.0).mean()


def test_the_difference_map_is_b_minus_a_on_the_grid(pair, tmp_path):
    found = run(pair, tmp_path)
    with rasterio.open(found.folder / "differences" / "T0_Map030_difference.tif") as source:
        assert source.shape == GRID.shape
        assert source.transform == GRID.transform
        assert source.tags()["title"] == "T0_Map030, B minus A"
        values = source.read(1, masked=True).filled(np.nan)
    np.testing.assert_allclose(values, T0_B - T0_A, rtol=1e-6)
    table = pd.read_csv(found.folder / "statistics.csv")
    assert table["map"].tolist() == ["T0_Map030"]
    record = json.loads((found.folder / "comparison.json").read_text())
    assert record["maps"] == ["T0_Map030"]
    assert record["a"]["maps_sha256"] != record["b"]["maps_sha256"]
    assert sorted(p.name for p in tmp_path.iterdir()) == ["a", "b", "out"]


def test_a_set_against_itself_differs_nowhere(pair, tmp_path):
    row = run((pair[0], pair[0]), tmp_path).table.iloc[0]
    assert (row["rmse"], row["mean_difference"], row["correlation"]) == pytest.approx((0, 0, 1))
    assert row["within_pct"] == pytest.approx(100.0)


def test_implausible_values_are_counted_and_left_out(tmp_path):
    sick = T0_B.copy()
    sick[0] = [5e9, 0.0, -999.0]
    two = (write(tmp_path / "a", T0_Map030=T0_A), write(tmp_path / "b", T0_Map030=sick))
    row = run(two, tmp_path).table.iloc[0]
    assert (row["implausible_in_a"], row["implausible_in_b"], row["cells"]) == (0, 3, 1)
    assert row["only_in_a"] == 4
    everything = compare(*two, tmp_path / "all", Options(all_values=True)).table.iloc[0]
    assert (everything["implausible_in_b"], everything["cells"]) == (3, 4)
    declared = compare(*two, tmp_path / "declared", Options(nodata=(-999.0,))).table.iloc[0]
    assert declared["implausible_in_b"] == 2


def test_a_zero_difference_is_no_missing_stock(tmp_path):
    nothing = np.zeros((2, 3))
    two = [write(tmp_path / side, RSR_SSM1_Map030=nothing) for side in "ab"]
    row = run(two, tmp_path).table.iloc[0]
    assert row["cells"] == 6
    assert np.isnan(row["correlation"])


def test_other_grids_are_refused_unless_resampled(tmp_path):
    one = write(tmp_path / "a", T0_Map030=np.full((2, 3), 30.0))
    fine = geobox(10.0, 50.0, 0.05, (4, 6))
    two = write(tmp_path / "b", grid=fine, T0_Map030=np.tile([20.0, 40.0], (4, 3)))
    with pytest.raises(GridMismatch, match=r"(?s)2 x 3 cells of 0.1 .*--resample"):
        run((one, two), tmp_path)
    found = compare(one, two, tmp_path / "mean", Options(resample=True))
    assert found.notes == ("B was brought to the grid of A by the mean of its cells",)
    assert found.table.iloc[0]["mean_difference"] == pytest.approx(0.0, abs=1e-9)
    back = compare(two, one, tmp_path / "between", Options(resample=True))
    assert back.notes == ("B was brought to the grid of A by bilinear interpolation",)


def test_the_same_cells_in_another_extent_are_the_same_cells(tmp_path):
    one = write(tmp_path / "a", T0_Map030=np.full((2, 3), 30.0))
    shifted = geobox(9.8, 50.0, 0.1, (2, 5))
    two = write(tmp_path / "b", grid=shifted, T0_Map030=np.full((2, 5), 31.0))
    found = run((one, two), tmp_path)
    assert found.notes == ("B has the cells of A, in another extent",)
    assert found.table.iloc[0]["cells"] == 6


def test_half_a_cell_off_is_another_grid(tmp_path):
    one = write(tmp_path / "a", T0_Map030=T0_A)
    two = write(tmp_path / "b", grid=geobox(10.05, 50.0, 0.1, (2, 3)), T0_Map030=T0_A)
    with pytest.raises(GridMismatch):
        run((one, two), tmp_path)


def test_units_in_the_tags_are_read_and_converted(tmp_path):
    one = write(tmp_path / "a", T0_Map030=np.full((2, 3), 50.0))
    two = write(tmp_path / "b", unit="kg m-2", T0_Map030=np.full((2, 3), 5.0))
    assert run((one, two), tmp_path).table.iloc[0]["rmse"] == pytest.approx(0.0, abs=1e-5)
    three = write(tmp_path / "c", unit="degC", T0_Map030=np.full((2, 3), 5.0))
    with pytest.raises(UnitError):
        compare(one, three, tmp_path / "no")


def test_maps_that_one_side_lacks_are_named(tmp_path):
    one = write(tmp_path / "a", T0_Map030=T0_A, ASR_BAU_Map030=T0_A / 100.0)
    two = write(tmp_path / "b", T0_Map030=T0_B, SSM_UncertaintyMap030=T0_B)
    assert run((one, two), tmp_path).notes == (
        "only in A: ASR_BAU_Map030",
        "only in B: SSM_UncertaintyMap030",
    )


def test_folders_that_cannot_be_compared(tmp_path, pair):
    with pytest.raises(InputError, match="no such folder"):
        compare(tmp_path / "nowhere", pair[1], tmp_path / "out")
    (tmp_path / "empty").mkdir()
    with pytest.raises(InputError, match="it has none"):
        compare(tmp_path / "empty", pair[1], tmp_path / "out")
    other = write(tmp_path / "other", RSR_SSM1_Map030=T0_A / 100.0)
    with pytest.raises(InputError, match="no map in common"):
        compare(pair[0], other, tmp_path / "out")
    write(pair[0], "YYY", T0_Map030=T0_A)
    with pytest.raises(InputError, match="two countries"):
        compare(*pair, tmp_path / "out")
    assert not (tmp_path / "out").exists()


def test_a_folder_that_is_there_is_left_alone(pair, tmp_path):
    (tmp_path / "out").mkdir()
    with pytest.raises(ConfigError, match="--out"):
        run(pair, tmp_path)
    with pytest.raises(ConfigError):  # not one of ours, so not with --overwrite either
        compare(*pair, tmp_path / "out", overwrite=True)
    first = compare(*pair, tmp_path / "mine")
    again = compare(*pair, tmp_path / "mine", overwrite=True)
    pd.testing.assert_frame_equal(first.table, again.table)


def test_a_fault_leaves_nothing(pair, tmp_path):
    def fail(*_: object) -> None:
        raise InputError("stop")

    with pytest.raises(InputError, match="stop"):
        compare(*pair, tmp_path / "out", pictures=fail)
    assert sorted(p.name for p in tmp_path.iterdir()) == ["a", "b"]


def test_pictures_are_drawn_by_the_caller(pair, tmp_path):
    seen = []
    compare(*pair, tmp_path / "out", pictures=lambda one, folder: seen.append((one, folder)))
    ((one, folder),) = seen
    assert one.stem == "T0_Map030"
    assert folder.parent == tmp_path


def test_maps_come_in_the_order_of_a_delivery(tmp_path):
    stems = ("SSM_UncertaintyMap030", "RSR_SSM1_Map030", "T0_Map030", "finalSOC_BAU_Map030")
    folder = write(tmp_path, **dict.fromkeys(stems, T0_A))
    write(tmp_path, Notes=T0_A)  # none of ours
    assert list(find_maps(folder)) == [stems[2], stems[3], stems[1], stems[0]]


def test_every_map_of_a_delivery_has_its_kind():
    assert kind_of("RSR_SSM3_UncertaintyMap030") == ("percent", (0.0, 200.0))
    assert kind_of("finalSOC_SSM1_Map030") == ("t ha-1", (0.0, 800.0))
    assert kind_of("Notes") is None
