"""The numbers in which the published R scripts differ from RothC-26.3.

Sources: [S12] SoilR, function fT.RothC; [SCR] the GSOCseq scripts v1.1, 13_1 to 16. Everything else
(decay rates, clay function, inert carbon) is that of `rothc.parameters`.
"""

from typing import NamedTuple


class Numbers(NamedTuple):
    """All of them, so that a test may vary each.

    Examples
    --------
    >>> Numbers().stock_high_tc_ha
    300.0
    """

    temp_a: float = 47.9  # a(T) = 47.9 / (1 + exp(106 / (T + 18.3))) [-], S12
    temp_b_c: float = 106.0
    temp_c_c: float = 18.3  # below -18.3 degC the rate is not a number, S12
    bare_above: float = 0.8  # a month with a larger cover factor c is bare [-], SCR script 13_1
    bare_divisor: float = 1.8  # of the largest deficit in a bare month [-], SCR script 13_1
    carbon_fraction: float = 0.5  # of NPP's dry matter [-], SCR script 14 (the manual: 0.48)
    temperature_pct: float = 2.0  # shift of the chains, % of degrees Celsius, SCR script 14
    stock_low_tc_ha: float = 0.0  # final stocks outside become missing [t C ha-1], SCR script 15
    stock_high_tc_ha: float = 300.0


NUMBERS = Numbers()
