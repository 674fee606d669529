"""How far a field is like itself: an exponential variogram fitted to values at places.

gamma(d) = nugget + (sill - nugget) (1 - exp(-d / length)), from half the mean squared difference of
pairs by distance [MG63], weighted by the number of pairs over gamma squared [CR85]. Few lines of
numpy and scipy: the libraries for it bring a dozen packages with them.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.spatial.distance import pdist

Floats = NDArray[np.float64]

MOST_PLACES = 3000  # four million pairs
LEAST_PLACES = 50
CLASSES = 25  # of distance
FARTHEST = 1.0 / 3.0  # of the largest distance: beyond it pairs are few, and from the edges
LEAST_PAIRS = 30  # of a class [JH78]
LEAST_CLASSES = 5  # for three parameters
NEARLY = 0.99  # of a bound: the fit leans on it


@dataclass(frozen=True)
class Variogram:
    """A fit: `length_km` of exp(-d / length), and the share of the sill that is nugget [0-1]."""

    length_km: float
    nugget: float


def fit_variogram(x_km: Floats, y_km: Floats, values: Floats, seed: int = 0) -> Variogram | None:
    """Fit the exponential variogram; None where there is no correlation length to be seen.

    That is so with fewer than 50 places, with values that are all the same, and where the variogram
    still rises at a third of the largest distance or is nugget alone. More than 3000 places are
    sampled.
    """
    if values.size < LEAST_PLACES:
        return None
    if values.size > MOST_PLACES:
        rng = np.random.default_rng(seed)
        chosen = np.sort(rng.choice(values.size, MOST_PLACES, replace=False))
        x_km, y_km, values = x_km[chosen], y_km[chosen], values[chosen]
    distance = pdist(np.column_stack([x_km, y_km]))
    half_square = pdist(values[:, None], "sqeuclidean") / 2.0
    farthest = FARTHEST * distance.max()
    near = distance < farthest
    of_class = (distance[near] / farthest * CLASSES).astype(np.int64)
    pairs = np.bincount(of_class, minlength=CLASSES)
    enough = pairs >= LEAST_PAIRS
    if enough.sum() < LEAST_CLASSES or not half_square.any():
        return None
    pairs = np.where(enough, pairs, 1)
    d, gamma = (
        (np.bincount(of_class, of[near], CLASSES) / pairs)[enough] for of in (distance, half_square)
    )
    if not gamma.all():
        return None
    return _fitted(d, gamma, np.sqrt(pairs[enough]) / gamma, farthest)


def _fitted(d: Floats, gamma: Floats, weight: Floats, farthest: float) -> Variogram | None:
    from scipy.optimize import curve_fit  # slow to import, and few runs need it

    def model(at: Floats, nugget: float, rise: float, length: float) -> Floats:
        return np.asarray(nugget + rise * (1.0 - np.exp(-at / length)))

    top = float(gamma.max())
    try:
        (nugget, rise, length), _ = curve_fit(
            model,
            d,
            gamma / top,
            p0=(0.1, 0.9, farthest / 4.0),
            sigma=1.0 / weight,
            bounds=([0.0, 0.0, d[0] / 4.0], [2.0, 4.0, farthest]),
        )
    except RuntimeError:  # no convergence
        return None
    share = nugget / (nugget + rise)
    if length >= NEARLY * farthest or share >= NEARLY:
        return None
    return Variogram(float(length), float(share))
