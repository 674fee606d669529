"""Figures of a comparison: drawn from any rows that can be compared."""

import numpy as np
import pandas as pd
import pytest
from PIL import Image

from recarb.reports.validation_figures import (
    MOST_GROUPS,
    REST,
    _groups,
    draw_all,
    draw_covariates,
    has_courses,
)
from recarb.validation.scores import score


def rows(groups=2, sites=6, sd=np.nan):
    count = 24
    order = np.arange(count)
    return pd.DataFrame(
        {
            "line": order + 2,
            "site": [f"s{i % sites}" for i in order],
            "year": 1990.0 + order // sites,
            "month": 12.0,
            "latitude": 41.0 + order / 10,
            "compared_year": 1990.0 + order // sites,
            "observed_tc_ha": 40.0 + order,
            "modelled_tc_ha": 41.0 + order,
            "residual_tc_ha": 1.0,
            "sd_tc_ha": sd,
            "weight": 1.0,
            "group": [f"class {i % groups}" for i in order],
        }
    )


@pytest.mark.parametrize("sd", [np.nan, 2.0])
def test_figures_without_a_run_are_scatter_and_courses(tmp_path, sd):
    table = rows(sd=sd)
    paths = draw_all(table, score(table, 0), tmp_path)
    assert [path.name for path in paths] == ["scatter.png", "time_courses.png"]
    for path in paths:
        with Image.open(path) as image:
            assert min(image.size) > 400


def test_sites_measured_once_have_no_course(tmp_path):
    table = rows(sites=24)
    assert not has_courses(table)
    assert [path.name for path in draw_all(table, score(table, 0), tmp_path)] == ["scatter.png"]


def test_more_groups_than_colours_become_one():
    parts = _groups(rows(groups=12))
    assert len(parts) == MOST_GROUPS
    assert parts[-1][0] == REST
    assert sum(len(part) for _, part in parts) == 24
    assert REST not in dict(_groups(rows(groups=MOST_GROUPS)))


def test_covariates_that_do_not_vary_have_no_panel(tmp_path):
    wide, narrow = tmp_path / "wide.png", tmp_path / "narrow.png"
    draw_covariates(rows(), wide)
    draw_covariates(rows().assign(latitude=41.0, compared_year=1990.0), narrow)
    with Image.open(wide) as first, Image.open(narrow) as second:
        assert first.size[1] > second.size[1]
