"""Write `rothc_months.csv`: a few soils, 24 months each, by `recarb.rothc.reference`.

Run from the root of the repository: `python -m tests.golden.make_rothc_months`
"""

import csv
import math
from pathlib import Path

from recarb.rothc.reference import Month, Soil, step

PATH = Path(__file__).with_name("rothc_months.csv")
# name: clay %, depth cm, paddy, mean and half range of temperature degC, of water balance mm
SOILS = {
    "temperate": (23.4, 23.0, False, 9.3, 7.0, 10.0, -55.0),
    "wet_tropical": (45.0, 30.0, False, 27.0, 2.0, 60.0, 80.0),
    "cold_dry": (8.0, 30.0, False, -10.0, 20.0, -3.0, -25.0),
    "arid_bare": (15.0, 30.0, False, 22.0, 10.0, -90.0, -60.0),
    "paddy": (35.0, 20.0, True, 20.0, 8.0, 20.0, 100.0),
}
COVER = [0.0, 0.0, 0.3, 0.5, 0.8, 1.0, 1.0, 0.6, 0.49, 0.0, 0.0, 0.0]
PLANT = [0.0, 0.0, 0.0, 0.16, 0.32, 0.48, 0.64, 0.1, 0.0, 0.0, 0.0, 0.0]
FIELDS = (
    "soil clay_pct depth_cm paddy start_dpm start_rpm start_bio start_hum start_deficit_mm "
    "temperature_c balance_mm cover plant fym dpm_rpm "
    "dpm_tc_ha rpm_tc_ha bio_tc_ha hum_tc_ha respired_tc_ha deficit_mm rate"
).split()
START = (0.2, 5.0, 0.7, 26.0, -12.5)


def rows(name: str) -> list[list[object]]:
    """Months of one soil."""
    clay, depth, paddy, warmth, warmth_range, water, water_range = SOILS[name]
    soil, table = Soil(*START), []
    for m in range(24):
        summer = -math.cos(2.0 * math.pi * (m - 0.5) / 12.0)
        month = Month(
            temperature_c=round(warmth + warmth_range * summer, 1),
            balance_mm=round(water + water_range * summer, 1),
            cover=0.0 if name == "arid_bare" else COVER[m % 12],
            plant=PLANT[m % 12],
            fym=3.0 if m == 13 else 0.0,
            dpm_rpm=1.44 if m < 12 else 0.67,
        )
        step(soil, month, clay, depth, paddy)
        drivers = (month.temperature_c, month.balance_mm, month.cover, month.plant, month.fym)
        pools = (soil.dpm, soil.rpm, soil.bio, soil.hum)
        table.append(
            [name, clay, depth, int(paddy), *START, *drivers, month.dpm_rpm]
            + [repr(value) for value in (*pools, soil.respired, soil.deficit_mm, soil.rate)]
        )
    return table


def main() -> None:
    """Write the table."""
    with PATH.open("w", encoding="utf-8", newline="") as file:
        writer = csv.writer(file, lineterminator="\n")
        writer.writerow(FIELDS)
        for name in SOILS:
            writer.writerows(rows(name))


if __name__ == "__main__":
    main()
