"""From the stock of one depth to that of another, where the user asks for it."""

import math

MEAN_BETA = 0.9786  # of the soil carbon of all biomes, Jobbagy & Jackson 2000 as used since


def stock_of_depth(soc_tc_ha: float, depth_cm: float, wanted_cm: float, beta: float) -> float:
    """Stock down to `wanted_cm` of a soil whose stock down to `depth_cm` is known [t C ha-1].

    The share of the carbon above a depth d is taken as 1 - beta^d (Jobbagy & Jackson 2000, JJ00),
    the same curve at every site: an assumption about profiles, not a measurement.

    >>> round(stock_of_depth(50.0, 20.0, 30.0, 0.9786), 2)
    67.97
    """
    return soc_tc_ha * (1.0 - math.pow(beta, wanted_cm)) / (1.0 - math.pow(beta, depth_cm))
