"""The deliverables by name, and how each map follows from the stocks."""

import numpy as np
import pytest
from tests.factories import cells, config

from recarb.sequestration.products import diagnostics, products
from recarb.sequestration.simulate import simulate

# the 29 maps a country submits, as the GSOCseq manual and the agenda of the 7th INSII meeting name
# them, for a country with the code XXX
NAMES = """
XXX_GSOCseq_T0_Map030
XXX_GSOCseq_finalSOC_BAU_Map030
XXX_GSOCseq_finalSOC_SSM1_Map030
XXX_GSOCseq_finalSOC_SSM2_Map030
XXX_GSOCseq_finalSOC_SSM3_Map030
XXX_GSOCseq_AbsDiff_BAU_Map030
XXX_GSOCseq_AbsDiff_SSM1_Map030
XXX_GSOCseq_AbsDiff_SSM2_Map030
XXX_GSOCseq_AbsDiff_SSM3_Map030
XXX_GSOCseq_ASR_BAU_Map030
XXX_GSOCseq_ASR_SSM1_Map030
XXX_GSOCseq_ASR_SSM2_Map030
XXX_GSOCseq_ASR_SSM3_Map030
XXX_GSOCseq_RelDiff_SSM1_Map030
XXX_GSOCseq_RelDiff_SSM2_Map030
XXX_GSOCseq_RelDiff_SSM3_Map030
XXX_GSOCseq_RSR_SSM1_Map030
XXX_GSOCseq_RSR_SSM2_Map030
XXX_GSOCseq_RSR_SSM3_Map030
XXX_GSOCseq_T0_UncertaintyMap030
XXX_GSOCseq_BAU_UncertaintyMap030
XXX_GSOCseq_SSM_UncertaintyMap030
XXX_GSOCseq_ASR_BAU_UncertaintyMap030
XXX_GSOCseq_ASR_SSM1_UncertaintyMap030
XXX_GSOCseq_ASR_SSM2_UncertaintyMap030
XXX_GSOCseq_ASR_SSM3_UncertaintyMap030
XXX_GSOCseq_RSR_SSM1_UncertaintyMap030
XXX_GSOCseq_RSR_SSM2_UncertaintyMap030
XXX_GSOCseq_RSR_SSM3_UncertaintyMap030
""".split()

# the same maps in the soil information system, for country XX and the year 2020
SIS_NAMES = """
XX-GSOCSEQ-CORGT0-2020-0-30-MEAN
XX-GSOCSEQ-CORGSOCBAU-2020-0-30-MEAN
XX-GSOCSEQ-CORGSOCSSM1-2020-0-30-MEAN
XX-GSOCSEQ-CORGSOCSSM2-2020-0-30-MEAN
XX-GSOCSEQ-CORGSOCSSM3-2020-0-30-MEAN
XX-GSOCSEQ-CORGADBAU-2020-0-30-MEAN
XX-GSOCSEQ-CORGADSSM1-2020-0-30-MEAN
XX-GSOCSEQ-CORGADSSM2-2020-0-30-MEAN
XX-GSOCSEQ-CORGADSSM3-2020-0-30-MEAN
XX-GSOCSEQ-CORGASRBAU-2020-0-30-MEAN
XX-GSOCSEQ-CORGASRSSM1-2020-0-30-MEAN
XX-GSOCSEQ-CORGASRSSM2-2020-0-30-MEAN
XX-GSOCSEQ-CORGASRSSM3-2020-0-30-MEAN
XX-GSOCSEQ-CORGRDSSM1-2020-0-30-MEAN
XX-GSOCSEQ-CORGRDSSM2-2020-0-30-MEAN
XX-GSOCSEQ-CORGRDSSM3-2020-0-30-MEAN
XX-GSOCSEQ-CORGRSRSSM1-2020-0-30-MEAN
XX-GSOCSEQ-CORGRSRSSM2-2020-0-30-MEAN
XX-GSOCSEQ-CORGRSRSSM3-2020-0-30-MEAN
XX-GSOCSEQ-CORGT0U-2020-0-30-UNCT
XX-GSOCSEQ-CORGSOCBAUU-2020-0-30-UNCT
XX-GSOCSEQ-CORGSOCSSMU-2020-0-30-UNCT
XX-GSOCSEQ-CORGASRBAUU-2020-0-30-UNCT
XX-GSOCSEQ-CORGASRSSM1U-2020-0-30-UNCT
XX-GSOCSEQ-CORGASRSSM2U-2020-0-30-UNCT
XX-GSOCSEQ-CORGASRSSM3U-2020-0-30-UNCT
XX-GSOCSEQ-CORGRSRSSM1U-2020-0-30-UNCT
XX-GSOCSEQ-CORGRSRSSM2U-2020-0-30-UNCT
XX-GSOCSEQ-CORGRSRSSM3U-2020-0-30-UNCT
""".split()


def test_the_29_files_of_a_submission():
    assert len(NAMES) == 29
    assert sorted(p.file_name("XXX") for p in products(config())) == sorted(NAMES)


def test_the_same_under_the_names_of_the_information_system():
    assert sorted(p.sis_name("XX", 2020) for p in products(config())) == sorted(SIS_NAMES)


@pytest.mark.parametrize(
    ("names", "chains", "count"),
    [((), True, 7), (("A",), True, 15), (("A", "B", "C", "D"), True, 36), (("A",), False, 9)],
)
def test_any_number_of_scenarios(names, chains, count):
    """1 + 3 (1 + n) + 2 n maps, and with chains 3 + (1 + n) + n more; without SSM none of SSM."""
    scenarios = [{"name": name, "gain_pct": 5.0} for name in names]
    found = products(config(scenarios=scenarios, uncertainty={"chains": chains}))
    files = {p.file_name("XXX") for p in found}
    assert len(found) == len(files) == len({p.sis_name("XX", 2020) for p in found}) == count


def test_every_product_and_diagnostic_is_computed():
    for changes in ({}, {"uncertainty": {"chains": False}}, {"scenarios": []}):
        run = config(**changes)
        maps = simulate(cells(), run)
        for product in products(run) + diagnostics(run):
            assert product.key in maps, product.key
            assert maps[product.key].attrs == {"units": product.unit, "long_name": product.title}


def test_without_a_warm_up_there_is_no_rate_of_it():
    run = config(warm_up=None)
    keys = {product.key for product in diagnostics(run)}
    assert "rate_warm_up" not in keys and keys <= set(simulate(cells(warm_up=False), run))


def test_differences_and_rates_follow_from_the_stocks():
    run = config(forward={"years": 50})
    maps = simulate(cells(), run)
    for name in ("BAU", "SSM1", "SSM2", "SSM3"):
        gained = maps[f"finalSOC_{name}"] - maps["T0"]
        np.testing.assert_array_equal(maps[f"AbsDiff_{name}"], gained)
        np.testing.assert_allclose(maps[f"ASR_{name}"], gained / 50.0, rtol=1e-12)
        if name != "BAU":
            ahead = maps[f"finalSOC_{name}"] - maps["finalSOC_BAU"]
            np.testing.assert_array_equal(maps[f"RelDiff_{name}"], ahead)
            np.testing.assert_allclose(maps[f"RSR_{name}"], ahead / 50.0, rtol=1e-12)


def test_limits_of_the_plausible_are_those_of_the_manual():
    """Ch. 13: stocks 0-800, differences within 80, rates within 4, uncertainty 0-200 %."""
    limits = {p.key: (p.low, p.high) for p in products(config())}
    assert limits["T0"] == limits["finalSOC_SSM3"] == (0.0, 800.0)
    assert limits["AbsDiff_BAU"] == (-80.0, 80.0) and limits["ASR_SSM1"] == (-4.0, 4.0)
    assert limits["RSR_SSM1"] == (0.0, 4.0) and limits["U_RSR_SSM3"] == (0.0, 200.0)


def test_the_pools_at_t0_make_up_its_stock():
    maps = simulate(cells(), config())
    total = sum(maps[pool] for pool in ("dpm", "rpm", "bio", "hum", "iom"))
    np.testing.assert_allclose(total, maps["T0"], rtol=1e-12)


def test_input_over_npp_is_missing_where_npp_is_zero():
    inputs = cells()
    inputs["rain_reference"][:, 2] = 0.0
    maps = simulate(inputs, config())
    assert np.isnan(maps["C_eq_over_NPP"].values).tolist() == [False, False, True, False]
