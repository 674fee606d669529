"""Tinyland once more without recarb: numpy and the published equations, month by month.

Usage: python independent.py FOLDER, where FOLDER is what `recarb example FOLDER` wrote; prints
totals.csv. Equations: Coleman & Jenkinson 1996 (RothC-26.3), Falloon et al. 1998 (IOM), Lieth 1972
(MIAMI), FAO GSOCseq technical manual ch. 4-6. No closed form, no tiles, no kernels: the spin-up
iterates 6000 years.
"""

import sys
from pathlib import Path

import numpy as np
import rasterio
from rasterio.features import rasterize
from scipy.ndimage import map_coordinates

YEARS_SPIN_UP = 6000
CLASS = {10: 2, 12: 12, 20: 2, 50: 4, 70: 4, 120: 5, 130: 3, 190: 1, 210: 11}
RATIO = {2: 1.44, 12: 1.44, 3: 0.67, 5: 0.67}  # modelled land uses and their DPM/RPM
GAINS = {"BAU": 0.0, "SSM1": 0.05, "SSM2": 0.10, "SSM3": 0.20}


def read(folder, name):
    with rasterio.open(folder / name) as file:
        data = file.read().astype(float) * file.scales[0]
        data[file.read_masks() == 0] = np.nan
        return data


def modal(codes):
    """Most frequent land use of 3 x 3 pixels; the smaller number where two are equally frequent."""
    classes = np.vectorize(CLASS.get)(codes.astype(int))
    n = classes.shape[0] // 3
    nine = classes.reshape(n, 3, n, 3).transpose(0, 2, 1, 3).reshape(n, n, 9)
    return np.stack([(nine == code).sum(-1) for code in range(14)]).argmax(0)


def country(folder):
    import json

    shapes = json.loads((folder / "boundary.geojson").read_text())["features"]
    with rasterio.open(folder / "soc.tif") as file:
        pairs = [(f["geometry"], 1) for f in shapes]
        return rasterize(pairs, out_shape=file.shape, transform=file.transform) == 1, file.transform


def mean_of(pixels, step):
    n = pixels.shape[0] // step
    return pixels.reshape(n, step, n, step).mean(axis=(1, 3))


def at_cells(fields, rows, columns):
    """Bilinear on the climate grid: 5 cells of the country along one, 2 around it."""
    where = [(rows + 0.5) / 5 + 2 - 0.5, (columns + 0.5) / 5 + 2 - 0.5]
    return np.stack([map_coordinates(field, where, order=1) for field in fields], axis=1)


def rates(temperature, balance, cover, deficit, clay):
    """Rate modifier of one month and the deficit after it (30 cm)."""
    deepest = -(20 + 1.3 * clay - 0.01 * clay**2) * 30 / 23
    wanted = np.minimum(0, deficit + balance)
    vegetated = np.maximum(deepest, wanted)
    bare = np.maximum(np.minimum(0.556 * deepest, deficit), wanted)
    deficit = np.where(cover >= 0.5, vegetated, bare)
    one_bar = 0.444 * deepest
    dry = 0.2 + 0.8 * (deepest - deficit) / (deepest - one_bar)
    b = np.where(deficit > one_bar, 1.0, dry)
    warm = 47.91 / (1 + np.exp(106.06 / (np.maximum(temperature, -18.0) + 18.27)))
    return np.where(temperature < -5, 0, warm) * b * (1 - 0.4 * cover), deficit


def month(pools, rate, c_input, dpm_part, clay):
    x = 1.67 * (1.85 + 1.60 * np.exp(-0.0786 * clay))
    left = pools * np.exp(-np.outer([10.0, 0.3, 0.66, 0.02], rate) / 12)
    formed = (pools - left).sum(axis=0) / (1 + x)
    left[2] += 0.46 * formed
    left[3] += 0.54 * formed
    left[0] += c_input * dpm_part
    left[1] += c_input * (1 - dpm_part)
    return left


def run(pools, deficit, climate, cover, c_input, dpm_part, clay):
    """Step through months (cell, month); `c_input` (cell, year)."""
    temperature, rain, pet = climate
    for m in range(temperature.shape[1]):
        rate, deficit = rates(
            temperature[:, m], rain[:, m] - pet[:, m], cover[:, m % 12], deficit, clay
        )
        pools = month(pools, rate, c_input[:, m // 12] / 12, dpm_part, clay)
    return pools, deficit


def npp(temperature, rain):
    t = temperature.reshape(len(temperature), -1, 12).mean(axis=2)
    p = rain.reshape(len(rain), -1, 12).sum(axis=2)
    g = np.minimum(3000 / (1 + np.exp(1.315 - 0.119 * t)), 3000 * (1 - np.exp(-0.000664 * p)))
    return g * 0.01 * 0.48


def areas_ha(rows, transform):
    """Area between two meridians and two parallels on WGS84, closed form."""
    a, e = 6378137.0, 0.0818191908426215

    def zone(lat):
        s = np.sin(np.radians(lat))
        return s / (2 * (1 - (e * s) ** 2)) + np.log((1 + e * s) / (1 - e * s)) / (4 * e)

    north = transform.f + rows * transform.e
    width = np.radians(transform.a)
    strip = a**2 * (1 - e**2) * (zone(north) - zone(north + transform.e))
    return width * strip / 1e4


def mean_year(series):
    return series.reshape(len(series), -1, 12).mean(axis=1)


def main(folder):
    inside, transform = country(folder)
    soc, clay = read(folder, "soc.tif")[0], read(folder, "clay.tif")[0]
    land_use = modal(read(folder, "land_cover.tif")[0])
    runs = inside & (soc > 0) & np.isfinite(clay) & np.isin(land_use, list(RATIO))
    rows, columns = np.nonzero(runs)
    soc, clay, land_use = soc[runs], clay[runs], land_use[runs]
    cover = read(folder, "cover.tif")[:, runs].T / 100
    elevation = read(folder, "elevation.tif")[0]
    coarse = at_cells([mean_of(elevation, 15)], rows, columns)[:, 0]
    fine = mean_of(elevation[30:-30, 30:-30], 3)[runs]
    series = [
        at_cells(read(folder, f"{n}.tif"), rows, columns) for n in ("temperature", "rain", "pet")
    ]
    series[0] -= 0.0065 * (fine - coarse)[:, None]
    early, late = [s[:, :240] for s in series], [s[:, 240:] for s in series]

    ratio = np.vectorize(RATIO.get)(land_use)
    dpm_part = ratio / (1 + ratio)
    iom = 0.049 * soc**1.139
    normal = [mean_year(s) for s in early]
    one = np.ones((len(soc), 1))
    pools, deficit = np.zeros((4, len(soc))), np.zeros(len(soc))
    for _ in range(YEARS_SPIN_UP):
        pools, deficit = run(pools, deficit, normal, cover, one, dpm_part, clay)
    c_eq = (soc - iom) / pools.sum(axis=0)
    reference = npp(*early[:2]).mean(axis=1)
    c_input = c_eq[:, None] * npp(*late[:2]) / reference[:, None]
    pools, deficit = run(c_eq * pools, deficit, late, cover, c_input, dpm_part, clay)
    ahead = [np.tile(mean_year(s), 20) for s in late]
    area = areas_ha(rows, transform)
    t0 = pools.sum(axis=0) + iom
    print("scenario,cells,area_ha,mean_t0_tc_ha,mean_final_soc_tc_ha,total_asr_mt_c_per_yr")
    for name, gain in GAINS.items():
        more = np.repeat(c_input.mean(axis=1)[:, None] * (1 + gain), 20, axis=1)
        final = run(pools, deficit, ahead, cover, more, dpm_part, clay)[0].sum(axis=0) + iom
        mean_t0, mean_final = np.average(t0, weights=area), np.average(final, weights=area)
        total = ((final - t0) * area).sum() / 20 / 1e6
        print(
            f"{name},{len(soc)},{area.sum():.3f},{mean_t0:.7f},{mean_final:.7f},{total:.9f}",
            flush=True,
        )


if __name__ == "__main__":
    main(Path(sys.argv[1]))
