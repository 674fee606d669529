"""One cell month by month ends where the maps do, whatever the years ahead are like."""

import numpy as np
import pytest
from tests.bad_country import COLUMNS, ROWS, Country, Raster

from recarb.sequestration.inputs import CountryInputs
from recarb.sequestration.point import trajectory
from recarb.sequestration.simulate import simulate

LON, LAT = 20.35, 41.65  # row 3, column 3: crops
HORIZON = 8
SERIES = {"climate": "series", "year_by_year": True, "climate_years": [1999, 2003]}
RAMP = {"climate_change": {"temperature_k": 2.0, "pet_method": "hargreaves", "ramp_years": 6}}


@pytest.mark.parametrize("ahead", [{}, SERIES, RAMP, RAMP | {"inputs_follow_npp": True}])
@pytest.mark.parametrize("changes", [False, True])
def test_the_months_end_in_the_maps(tmp_path, ahead, changes):
    country = Country(tmp_path)
    country.set("forward", years=5, horizons=[HORIZON], **ahead)
    country.set("model", input_share={"2": [0.5, 0.5] + [0.0] * 10})
    if changes:
        grass = np.full((1, ROWS, COLUMNS), 130, np.uint8)
        country.layers["land_use_forward"] = Raster(grass, country.layers["soc"].transform)
        country.set("forward", land_use_after_years=3)
    config = country.config()
    months = trajectory(config, LON, LAT).months
    maps = simulate(CountryInputs(config).load().cells, config)
    one = maps.isel(cell=int(np.flatnonzero((maps["row"] == 3) & (maps["column"] == 3))[0]))
    for name in ("BAU", "SSM3"):
        of = months[(months["phase"] == "forward") & (months["scenario"] == name)]
        assert len(of) == 12 * HORIZON and of["year"].iloc[0] == 2004
        ends = of.groupby("year")["soc_tc_ha"].last()
        expected = float(one[f"finalSOC_{name}"]), float(one[f"SOC_{name}_{HORIZON}y"])
        assert (ends[2008], ends[2011]) == pytest.approx(expected, rel=1e-10)
