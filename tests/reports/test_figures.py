"""Pictures of a run: bounded by their own size, comparable by eye, nothing blank without a word."""

import geopandas
import numpy as np
import pytest
import rasterio
import shapely
from PIL import Image
from rasterio.enums import Resampling
from tests.factories import config

from recarb.core.config import load_config
from recarb.reports.figures import beside, dated_title, draw_maps, family, is_difference
from recarb.reports.ground import Blank, Ground, read_blanks, read_values
from recarb.reports.sheet import DPI, Sheet, coloured
from recarb.reports.style import BLANKS, DIVERGING, SMALLEST_DIFFERENCE, Ramp, ramp_for
from recarb.sequestration.example import write_example
from recarb.sequestration.ledger import Outcome
from recarb.sequestration.output import map_tags
from recarb.sequestration.pipeline import run
from recarb.sequestration.products import diagnostics, products

NODATA = -9999.0
LONLAT = Ground(None, True)


def write_map(path, values, nodata=NODATA):
    values = np.asarray(values)
    height, width = values.shape
    step = 1.0 / max(height, width)
    profile = {"driver": "GTiff", "height": height, "width": width, "count": 1, "nodata": nodata}
    profile |= {"dtype": values.dtype, "crs": "EPSG:4326", "tiled": True}
    profile |= {"blockxsize": 64, "blockysize": 64}
    transform = rasterio.Affine(step, 0.0, 0.0, 0.0, -step, 0.0)
    with rasterio.open(path, "w", transform=transform, **profile) as target:
        target.write(values, 1)
    return path


def rgb(hexadecimal):
    return tuple(int(hexadecimal[i : i + 2], 16) for i in (1, 3, 5))


@pytest.fixture(scope="module")
def drawn(tmp_path_factory):
    """The example country, run and drawn."""
    folder = tmp_path_factory.mktemp("pictures") / "tinyland"
    write_example(folder)
    settings = load_config(folder / "run.toml")
    report = run(settings)
    seen = []
    pictures = draw_maps(report.folder, settings, lambda *step: seen.append(step))
    return settings, report.folder, pictures, seen


def test_every_map_is_drawn_and_told(drawn):
    settings, _, pictures, seen = drawn
    shown = [p for p in (*products(settings), *diagnostics(settings)) if p.key[:3] != "HW_"]
    assert len(list(pictures.glob("*.png"))) == len(shown) + 1
    assert [step[0] for step in seen] == list(range(len(shown)))
    assert (pictures / "overview.png").is_file()


def test_a_picture_shows_blank_cells_in_their_own_colours(drawn):
    settings, folder, pictures, _ = drawn
    with Image.open(pictures / f"{settings.iso3}_GSOCseq_T0_Map030.png") as image:
        colours = {colour: count for count, colour in image.getcolors(1 << 24)}
    with rasterio.open(folder / "diagnostics" / f"{settings.iso3}_outcome.tif") as source:
        outcome = source.read(1)
    outside = np.isin(outcome, (Outcome.OUTSIDE, Outcome.NO_SOC)).sum()
    excluded = (outcome != Outcome.RUN).sum() - outside
    ratio = colours[rgb(BLANKS[Blank.OUTSIDE][0])] / colours[rgb(BLANKS[Blank.EXCLUDED][0])]
    assert ratio == pytest.approx(outside / excluded, rel=0.05)
    assert rgb(BLANKS[Blank.FAILED][0]) not in colours


def test_maps_of_a_family_differ_only_in_their_values(drawn):
    """The bar of SSM1 is that of SSM3: same scale, same pixels."""
    settings, _, pictures, _ = drawn
    names = [f"{settings.iso3}_GSOCseq_RSR_{name}_Map030.png" for name in ("SSM1", "SSM3")]
    first, last = (np.asarray(Image.open(pictures / name)) for name in names)
    bar = slice(round(6.55 * DPI), None)  # right of the map: 0.5 in margin and 6 in map
    assert len(np.unique(first[:, bar].reshape(-1, 3), axis=0)) > 100
    below_title = slice(DPI // 3, None)
    np.testing.assert_array_equal(first[below_title, bar], last[below_title, bar])
    assert (first != last).any()


def test_a_large_map_is_read_from_its_overviews(tmp_path):
    """Were the full map read, its values would show."""
    path = write_map(tmp_path / "large.tif", np.full((1024, 2048), 7.0, dtype="float32"))
    with rasterio.open(path, "r+") as target:
        target.build_overviews([2, 4, 8], Resampling.average)
    with rasterio.open(path, "r+", OVERVIEW_LEVEL=2) as overview:
        overview.write(np.full(overview.shape, 3.0, dtype="float32"), 1)
    values = read_values(path, (128, 256))
    assert values.shape == (128, 256)
    np.testing.assert_array_equal(values, 3.0)


def test_a_mean_of_a_thinned_map_leaves_missing_cells_out(tmp_path):
    values = np.full((4, 4), NODATA, dtype="float32")
    values[0, 0], values[1, 1] = 10.0, 20.0
    small = read_values(write_map(tmp_path / "map.tif", values), (2, 2))
    np.testing.assert_array_equal(small, [[15.0, np.nan], [np.nan, np.nan]])


def test_a_small_map_keeps_its_cells(tmp_path):
    values = np.array([[1.0, NODATA], [3.0, 4.0]], dtype="float32")
    small = read_values(write_map(tmp_path / "map.tif", values), (100, 100))
    np.testing.assert_array_equal(small, [[1.0, np.nan], [3.0, 4.0]])


def test_blanks_follow_the_outcome(tmp_path):
    outcome = [
        [Outcome.OUTSIDE, Outcome.NO_SOC, Outcome.NOT_MODELLED],
        [Outcome.NO_CLIMATE, Outcome.DEFICIT_NOT_PERIODIC, Outcome.ZERO_SOC],
    ]
    path = write_map(tmp_path / "outcome.tif", np.array(outcome, dtype="uint8"), nodata=255)
    np.testing.assert_array_equal(read_blanks(path, (9, 9)), [[0, 0, 1], [2, 2, 1]])


def test_colours_of_blank_cells_and_of_values():
    values = np.array([[np.nan, np.nan, np.nan, 0.0]])
    found = coloured(values, Ramp(DIVERGING, -1.0, 1.0), np.array([[0, 1, 2, 0]], dtype=np.uint8))
    wanted = [rgb(BLANKS[blank][0]) for blank in Blank]
    assert [tuple(colour) for colour in found[0, :3, :3].tolist()] == wanted
    assert found[0, 3, :3].min() > 240  # the middle of the ramp is white
    assert (found[..., 3] == 255).all()


@pytest.mark.parametrize(
    "extent", [(0.0, 10.0, 0.0, 1.0), (-180.0, 180.0, -90.0, 90.0), (-76.0, -66.0, -56.0, -17.0)]
)
def test_a_map_of_any_form_stays_within_its_box(extent):
    sheet = Sheet(extent, LONLAT, (6.0, 8.0))
    height, width = sheet.map_shape
    assert height <= 8 * DPI and width <= 6 * DPI
    assert height == 8 * DPI or width == 6 * DPI


@pytest.mark.parametrize("extent", [(0.0, 10.0, 0.0, 1.0), (-76.0, -66.0, -56.0, -17.0)])
def test_a_painted_map_fills_its_frame(extent, tmp_path):
    sheet = Sheet(extent, LONLAT, (6.0, 8.0))
    axes = sheet.place(0)
    sheet.margins(None, [])
    sheet.canvas.draw()
    red = np.array([[[255, 0, 0, 255]]], dtype=np.uint8)
    sheet.paint(axes, red)
    sheet.save(tmp_path / "red.png")
    pixels = np.asarray(Image.open(tmp_path / "red.png"))
    rows, columns = np.nonzero((pixels == (255, 0, 0)).all(axis=2))
    height, width = sheet.map_shape
    frame = 4  # pixels its lines may hide
    assert height - frame <= np.ptp(rows) + 1 <= height
    assert width - frame <= np.ptp(columns) + 1 <= width


def test_dated_titles():
    settings = config()
    titles = {
        p.key: dated_title(p, settings) for p in (*products(settings), *diagnostics(settings))
    }
    assert titles["T0"] == "SOC stock at t0 (2020)"
    assert titles["finalSOC_SSM1"] == "final SOC stock, SSM1 (2040)"
    assert titles["AbsDiff_BAU"].endswith("(2020-2040)")
    assert titles["RSR_SSM3"].endswith("(2020-2040)")
    assert titles["RelDiff_SSM3"].endswith("(2040)")
    assert titles["U_T0"].endswith("(2020)")
    assert titles["U_SSM"].endswith("(2040)")
    assert titles["hum"].endswith("(2020)")
    assert titles["NPP"] == "NPP of the reference (MIAMI)"


def test_the_year_of_a_title_is_that_of_the_map():
    settings = config(warm_up=None, model={"soc_year": 2013}, forward={"years": 7})
    tags = map_tags(settings, "", 2013)
    end = int(tags["t0"]) + int(tags["years_forward"])
    titles = {p.key: dated_title(p, settings) for p in products(settings)}
    assert titles["T0"].endswith("(2013)")
    assert titles["finalSOC_BAU"].endswith(f"({end})")


def test_a_family_has_one_unit_and_one_kind_of_ramp():
    settings = config()
    families = {}
    for product in (*products(settings), *diagnostics(settings)):
        families.setdefault(family(product), []).append(product)
    for members in families.values():
        assert len({(product.unit, is_difference(product)) for product in members}) == 1
    sizes = {name: len(members) for name, members in families.items()}
    assert sizes["stock"] == 5 and sizes["ASR"] == 4 and sizes["RSR"] == 3
    assert sizes["rate modifier"] == 3 and sizes["carbon input"] == 2
    assert sizes["C_eq_over_NPP"] == sizes["hum"] == 1


def test_maps_of_draws_and_of_an_ensemble_are_drawn_beside_those_of_rothc():
    """The mean of the models has the colours of RothC's own rate; a spread has no sign."""
    settings = config(
        inputs={"sand": {"path": "sand.tif"}},
        ensemble={"models": ["icbm"]},
        monte_carlo={"draws": 256},
    )
    shown = {product.key: product for _, product in beside(settings)}
    assert len(shown) == 3 + 3 + 2 * 7  # sd and P of three gains; mean and sd of seven rates
    mean, spread = shown["ensemble_RSR_SSM1_mean"], shown["ensemble_RSR_SSM1_sd"]
    assert family(mean) == "RSR" and is_difference(mean)
    assert not is_difference(spread) and not is_difference(shown["sd_RSR_SSM1"])
    assert len({family(shown[key]) for key in ("sd_RSR_SSM1", "sd_RSR_SSM3")}) == 1
    assert dated_title(mean, settings).endswith("(2020-2040)")
    by_family = {}
    for product in shown.values():
        by_family.setdefault(family(product), set()).add(product.unit)
    assert all(len(units) == 1 for units in by_family.values())


def test_a_ramp_spans_all_its_maps():
    first, second = np.linspace(0.0, 1.0, 101), np.linspace(9.0, 10.0, 101)
    ramp = ramp_for("t ha-1", [first, second], difference=False)
    assert ramp.low == pytest.approx(0.04, abs=0.02) and ramp.high == pytest.approx(9.96, abs=0.02)
    assert ramp.extend == "both"


def test_a_family_without_losses_shows_no_losses():
    gains = ramp_for("t ha-1 year-1", [np.array([0.0, 1.0])], difference=True)
    both = ramp_for("t ha-1 year-1", [np.array([-1.0, 1.0])], difference=True)
    assert gains.shown_from == 0.0 and both.shown_from is None
    assert gains.low == -gains.high and both.low == -both.high


def test_rounding_errors_get_no_colours():
    ramp = ramp_for("t ha-1 year-1", [np.array([-7e-18, 7e-18])], difference=True)
    assert ramp.high == SMALLEST_DIFFERENCE
    assert ramp.extend == "neither"


def test_a_map_without_values_has_a_ramp():
    assert ramp_for("percent", [np.full((2, 2), np.nan)], difference=False).low == 0.0


def test_bends_below_a_pixel_are_not_drawn():
    """An outline costs no more than the picture can show of it."""
    around = np.linspace(0.0, 2.0 * np.pi, 100_000)
    circle = shapely.linestrings(np.column_stack([5 + 4 * np.cos(around), 5 + 4 * np.sin(around)]))
    ground = Ground(geopandas.GeoSeries([circle]), geographic=False)
    axes = Sheet((0.0, 10.0, 0.0, 10.0), ground, (6.0, 8.0)).place(0)
    (drawn,) = axes.collections[0].get_segments()
    assert 20 < len(drawn) < 1000
    pixel = 10.0 / (6 * DPI)
    assert shapely.hausdorff_distance(circle, shapely.linestrings(drawn)) < pixel
