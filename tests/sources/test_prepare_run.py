"""What prepare writes beside the layers: a run.toml that can be read, and a boundary."""

import zipfile

import geopandas
import pytest
from shapely.geometry import box
from tests.sources.test_prepare_climate import BOX, material

from recarb.core.config import load_config
from recarb.core.errors import MissingData
from recarb.sources.layer_out import Out
from recarb.sources.material import Country
from recarb.sources.prepare_boundary import write_boundary
from recarb.sources.prepare_climate import product_of
from recarb.sources.prepare_run import Facts, run_text


def product(tmp_path, key, role, years, pattern):
    return product_of(material(key, role, [
        tmp_path / pattern.format(name, year)
        for name in ("tmax", "tmin", "ppt", "pet") for year in years
    ]))  # fmt: skip


def config_of(tmp_path, years, scenario=None):
    climate = product(tmp_path, "terraclimate", "climate", years, "TerraClimate_{}_{}.nc")
    made = {role: material("gsocmap", "soc", []) for role in ("soc", "clay", "land_cover", "sand")}
    facts = Facts(
        country=Country("CIV", 'Côte "d\'Ivoire"', (BOX,)), materials=made,
        land_use={"land_use_2000": 2000, "land_use": 2020}, climate=climate, scenario=scenario,
        boundary="boundary.geojson", unit_field="shapeName",
    )  # fmt: skip
    (tmp_path / "run.toml").write_text(run_text(facts), encoding="utf-8")
    return load_config(tmp_path / "run.toml")


@pytest.mark.parametrize(
    ("years", "spin_up", "warm_up", "soc_year"),
    [
        (range(1981, 2021), (1981, 2000), (2001, 2020), 2000),
        (range(1970, 2023), (1981, 2000), (2001, 2022), 2000),
        (range(2001, 2021), (2001, 2010), (2011, 2020), 2010),
        (range(2001, 2003), (2001, 2001), (2002, 2002), 2001),
    ],
)
def test_the_years_of_the_phases(tmp_path, years, spin_up, warm_up, soc_year):
    config = config_of(tmp_path, years)
    assert config.spin_up.years == spin_up
    assert config.warm_up.years == warm_up
    assert config.model.soc_year == soc_year


def test_one_year_has_no_warm_up(tmp_path):
    config = config_of(tmp_path, [2001])
    assert config.spin_up.years == (2001, 2001)
    assert config.warm_up is None


def test_a_scenario_is_there_to_be_chosen(tmp_path):
    warmer = product(tmp_path, "terraclimate_plus2c", "scenario", [2001, 2002],
                     "TerraClimate_2c_{}_{}.nc")  # fmt: skip
    config = config_of(tmp_path, range(1981, 2021), warmer)
    assert set(config.climate) == {"main", "scenario"}
    assert config.forward.climate is None
    assert config.inputs.land_use_spin_up.path.name == "land_use_2000.tif"


@pytest.fixture
def world(tmp_path):
    """Natural Earth as it comes: a shapefile of all countries in a zip."""
    names = ["AAA", "CIV"]
    frame = geopandas.GeoDataFrame(
        {"ISO_A3_EH": names, "NAME": names},
        geometry=[box(0, 0, 1, 1), box(5, 5, 6, 7)], crs="EPSG:4326",
    )  # fmt: skip
    (tmp_path / "shape").mkdir()
    frame.to_file(tmp_path / "shape/ne_10m_admin_0_countries.shp")
    path = tmp_path / "ne_10m_admin_0_countries.zip"
    with zipfile.ZipFile(path, "w") as target:
        for one in (tmp_path / "shape").iterdir():
            target.write(one, one.name)
    for name in ("staging", "done"):
        (tmp_path / name).mkdir()
    return material("natural_earth", "boundary", [path]), Out(
        tmp_path / "done", tmp_path / "staging"
    )


def test_a_country_out_of_the_world(world):
    made, out = world
    found = geopandas.read_file(write_boundary(made, "CIV", out))
    assert tuple(found.total_bounds) == (5, 5, 6, 7)
    with pytest.raises(MissingData, match="no polygon of ZZZ"):
        write_boundary(made, "ZZZ", out)
