"""The numbers of RothC-26.3, each with its unit and source.

Sources: [CJ96] Coleman & Jenkinson 1996, RothC-26.3 - A model for the turnover of carbon in soil;
[C24] Coleman, Prout & Milne 2024, RothC - A model for the turnover of carbon in soil (description
and official Python program); [F98] Falloon et al. 1998, Soil Biol. Biochem. 30:1207-1211;
[SY05] Shirato & Yokozawa 2005, Soil Sci. Plant Nutr. 51:405-415; [F13] Farina et al. 2013, Geoderma
200-201:18-30, as in RothC v2.0.0 of Rothamsted (RothC_Code).
"""

from typing import NamedTuple

STANDARD, VAN_GENUCHTEN, VAN_GENUCHTEN_15_BAR = 0, 1, 2


class Variant(NamedTuple):
    """Which form of an equation is computed. The defaults are RothC-26.3 as GSOCseq runs it."""

    # limits of the moisture deficit: STANDARD by clay (CJ96); VAN_GENUCHTEN by the retention curve,
    # dry down to -1000 bar (F13); VAN_GENUCHTEN_15_BAR the same, dry down to -15 bar
    moisture: int = STANDARD
    mixed_cover: bool = False  # covered and bare ground side by side, each with its own deficit
    seasonal_paddy: bool = False  # rice fields by their flooding calendar, SY05
    analytical_spin_up: bool = False  # steady state of continuous time with the mean rate


class Parameters(NamedTuple):
    """All numbers of the model. Passed to every kernel, so a run may vary each of them.

    Examples
    --------
    >>> Parameters().k_hum_per_yr
    0.02
    """

    k_dpm_per_yr: float = 10.0  # decomposition rate of DPM [yr-1], CJ96
    k_rpm_per_yr: float = 0.3  # of RPM [yr-1], CJ96
    k_bio_per_yr: float = 0.66  # of BIO [yr-1], CJ96
    k_hum_per_yr: float = 0.02  # of HUM [yr-1], CJ96
    months_per_year: float = 12.0  # steps in a year [-]

    x_scale: float = 1.67  # CO2 / (BIO + HUM) ratio x [-], CJ96
    x_base: float = 1.85
    x_clay: float = 1.60
    x_clay_decay_per_pct: float = 0.0786  # [%-1 clay]
    bio_fraction: float = 0.46  # share of BIO + HUM that becomes BIO [-], CJ96
    hum_fraction: float = 0.54  # that becomes HUM [-], CJ96

    fym_dpm: float = 0.49  # farmyard manure entering DPM [-], CJ96
    fym_rpm: float = 0.49
    fym_hum: float = 0.02

    iom_scale: float = 0.049  # IOM = 0.049 SOC^1.139 [t C ha-1], F98 eq. 1
    iom_power: float = 1.139

    temp_a: float = 47.91  # a(T) = 47.91 / (1 + exp(106.06 / (T + 18.27))), C24
    temp_b_c: float = 106.06
    temp_c_c: float = 18.27
    temp_min_c: float = -5.0  # a = 0 below this temperature [degC], C24

    cover_reduction: float = 0.4  # c = 1 - 0.4 f [-]; 0.6 under full cover, CJ96
    cover_threshold: float = 0.5  # vegetated where f >= 0.5 [-], published GSOCseq scripts

    tsmd_base_mm: float = 20.0  # maximum deficit of 23 cm [mm]: 20 + 1.3 clay - 0.01 clay^2, CJ96
    tsmd_clay_mm: float = 1.3
    tsmd_clay2_mm: float = 0.01
    tsmd_depth_cm: float = 23.0
    one_bar_fraction: float = 0.444  # deficit at 1 bar / maximum deficit [-], CJ96
    bare_fraction: float = 0.556  # limit of a bare soil / maximum deficit [-], CJ96 (1 / 1.8)
    moist_min: float = 0.2  # b of the driest soil [-], CJ96
    pan_to_evaporation: float = 0.75  # open-pan evaporation to soil evaporation [-], CJ96

    paddy_factor: float = 0.4  # rate of flooded rice, the whole year [-], SY05 as in the scripts
    # the next two are known from summaries of SY05, not confirmed in the paper itself
    paddy_flooded: float = 0.2  # rate of a rice field under water, seasonal scheme [-]
    paddy_drained: float = 0.6  # in the rest of the year [-]

    van_genuchten_bare: float = 0.6388 / 0.8  # limit of a bare soil from -15 to -1 bar [-], F13

    variant: Variant = Variant()


DEFAULT = Parameters()
