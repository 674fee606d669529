"""Tables of the pages on the real runs, from what the runs left; no number is typed by hand.

A page holds a pair of comments for each table, `table: NAME` and `end`; what stands between them is
replaced.
"""

import re
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path

import numpy as np
import pandas as pd
import xarray as xr
from numpy.typing import NDArray
from tests.real import runs

from recarb.harmonise.landuse_classes import land_use_classes
from recarb.sequestration.forward import BAU, forward
from recarb.sequestration.inputs import CountryInputs
from recarb.sequestration.ledger import MEANING, Outcome
from recarb.sequestration.simulate import simulate
from recarb.sequestration.spin_up import spin_up
from recarb.sequestration.warm_up import warm_up

Floats = NDArray[np.float64]

HA_PER_MHA = 1.0e6
MINUS = "\N{MINUS SIGN}"
RATES = f"{MINUS}4 to 4"
SSM = ("SSM1", "SSM2", "SSM3")
GAIN_PCT = {"BAU": 0, "SSM1": 5, "SSM2": 10, "SSM3": 20}
ANNUAL = (2, 13)  # classes under the crop calendar
CROPPED = ((0, 0), (1, 3), (4, 6), (7, 9), (10, 12))  # months of a year
BELTS = ((60, 90, "north of 60° N"), (30, 60, "30 to 60° N"), (0, 30, "0 to 30° N"),
         (-30, 0, "0 to 30° S"), (-90, -30, "south of 30° S"))  # fmt: skip
EVI_THRESHOLDS = (0.15, 0.20, 0.25, 0.30)
LARGEST = 15  # countries shown
# gsocseq.md: an independent check on data/global_0p5deg, and the published global result
INDEPENDENT = {
    "modelled area [Gha]": "5.0",
    "RSR at +10 %, median [t C ha⁻¹ yr⁻¹]": "0.05",
    "RSR at +10 %, 95th percentile [t C ha⁻¹ yr⁻¹]": "0.14",
    "RSR at +20 %, mean [t C ha⁻¹ yr⁻¹]": "0.13",
    "RSR at +20 %, total [Pg C yr⁻¹]": "0.65",
    "C_eq, median [t C ha⁻¹ yr⁻¹]": "1.25",
    "cells with C_eq above NPP": "7 %",
}


def table(header: Sequence[str], rows: Iterable[Sequence[object]]) -> str:
    """A Markdown table; the first column is text, the others numbers."""
    lines = ["| " + " | ".join(header) + " |", "|---|" + "---:|" * (len(header) - 1)]
    lines += ["| " + " | ".join(str(value) for value in row) + " |" for row in rows]
    return "\n".join(lines)


def number(value: float, digits: int = 3) -> str:
    """A number for people: so many significant digits, no exponent, no minus zero."""
    if not np.isfinite(value):
        return "-"
    if abs(value) < 1e-9:
        return "0"
    decimals = max(digits - 1 - int(np.floor(np.log10(abs(value)))), 0)
    return f"{value:,.{decimals}f}".replace("-", MINUS)


def rate(value: float) -> str:
    """A rate [t C ha-1 yr-1] for people: three decimals."""
    return "0" if abs(value) < 1e-9 else f"{value:.3f}".replace("-", MINUS)


def percent(share: float) -> str:
    """A share for people."""
    return f"{100.0 * share:.1f} %" if share < 0.1 else f"{100.0 * share:.0f} %"


def fill(page: Path, tables: Mapping[str, str]) -> None:
    """Write `tables` into a page.

    Raises
    ------
    KeyError
        The page has no such marks, or marks of a table that was not made.
    """
    text = page.read_text(encoding="utf-8")
    wanted = set(re.findall(r"<!-- table: (\S+) -->", text))
    if wanted != set(tables):
        raise KeyError(f"{page.name}: marks {sorted(wanted)}, tables {sorted(tables)}")
    for name, content in tables.items():
        marked = re.compile(rf"(<!-- table: {name} -->\n).*?(<!-- end -->)", re.DOTALL)
        text = marked.sub(lambda found, new=content: f"{found[1]}{new}\n{found[2]}", text)
    page.write_text(text, encoding="utf-8")


def toml(name: str) -> str:
    """A run.toml as it stands in the repository."""
    return f"```toml\n{runs.toml_text(name).rstrip()}\n```"


def full_cover() -> str:
    """The lines that cover annual crops all year."""
    return f"```toml\n{runs.FULL_COVER.strip()}\n```"


def facts(run: runs.Finished) -> str:
    """The result in four lines."""
    country = run.report.summary.query("level == 'country'").set_index("scenario")
    bau, best = country.loc[BAU], country.loc["SSM3"]
    rsr = [rate(country.loc[s, "mean_rsr_tc_ha_per_yr"]) for s in SSM]
    mt = [number(country.loc[s, "total_rsr_mt_c_per_yr"]) for s in SSM]
    return "\n".join(
        [
            f"- Modelled: {number(bau['area_ha'] / HA_PER_MHA)} Mha, {int(bau['cells']):,} cells.",
            f"- SOC at t0: {number(bau['mean_t0_tc_ha'])} t C ha⁻¹ (area-weighted mean); under BAU "
            f"it changes by {rate(bau['mean_asr_tc_ha_per_yr'])} t C ha⁻¹ yr⁻¹ over 20 years.",
            f"- 5, 10 and 20 % more carbon input gain {', '.join(rsr)} t C ha⁻¹ yr⁻¹ against BAU: "
            f"{', '.join(mt)} Mt C yr⁻¹.",
            f"- At +20 % that is {number(best['total_rsr_mt_co2e_per_yr'])} Mt CO₂e yr⁻¹.",
        ]
    )


def summary(run: runs.Finished) -> str:
    """Land use by scenario, from summary.csv."""
    found = pd.read_csv(run.report.folder / "summary.csv")
    found = found[found["level"].isin(["country", "land_use"])]
    rows = []
    for row in found.to_dict("records"):
        first = row["scenario"] == BAU
        gain = f"{row['scenario']}" + ("" if first else f" (+{GAIN_PCT[row['scenario']]} %)")
        rows.append(
            [
                ("**all**" if row["level"] == "country" else row["land_use_name"]) if first else "",
                gain,
                number(row["area_ha"] / HA_PER_MHA) if first else "",
                number(row["mean_t0_tc_ha"]) if first else "",
                rate(row["mean_asr_tc_ha_per_yr"]),
                "" if first else rate(row["mean_rsr_tc_ha_per_yr"]),
                number(row["total_asr_mt_c_per_yr"]),
                "" if first else number(row["total_rsr_mt_c_per_yr"]),
                "" if first else number(row["total_rsr_mt_co2e_per_yr"]),
            ]
        )
    header = ("land use", "scenario", "area [Mha]", "T0 [t C ha⁻¹]", "ASR [t C ha⁻¹ yr⁻¹]",
              "RSR [t C ha⁻¹ yr⁻¹]", "ASR [Mt C yr⁻¹]", "RSR [Mt C yr⁻¹]",
              "RSR [Mt CO₂e yr⁻¹]")  # fmt: skip
    return table(header, rows)


def units(run: runs.Finished, name: str) -> str:
    """The units with the largest gain at +20 %, from summary.csv."""
    found = pd.read_csv(run.report.folder / "summary.csv")
    found = found[(found["level"] == "unit") & (found["scenario"] == "SSM3")]
    found = found.sort_values("total_rsr_mt_c_per_yr", ascending=False).head(LARGEST)
    rows = [
        [
            row["unit"],
            f"{int(row['cells']):,}",
            number(row["area_ha"] / HA_PER_MHA),
            number(row["mean_t0_tc_ha"]),
            rate(row["mean_rsr_tc_ha_per_yr"]),
            number(row["total_rsr_mt_c_per_yr"]),
        ]
        for row in found.to_dict("records")
    ]
    header = (name, "cells", "area [Mha]", "T0 [t C ha⁻¹]", "RSR at +20 % [t C ha⁻¹ yr⁻¹]",
              "total [Mt C yr⁻¹]")  # fmt: skip
    return table(header, rows)


def fates(run: runs.Finished) -> str:
    """How many cells ran, and why the others did not."""
    record = run.report.ledger.record()["by_outcome"]
    assert isinstance(record, dict)
    by_name = {outcome.name.lower(): MEANING[outcome] for outcome in Outcome}
    rows = [[by_name[key], f"{cells:,}"] for key, cells in record.items()]
    return table(("fate", "cells"), [*rows, ["**sum**", f"{run.report.ledger.total:,}"]])


def ranges(run: runs.Finished) -> str:
    """Distribution over the cells beside the plausible limits of gsocseq.md."""
    wanted = [("SOC at t0 [t C ha⁻¹]", run.map("T0_Map030"), "0 to 800"),
              ("final SOC, SSM3 [t C ha⁻¹]", run.map("finalSOC_SSM3_Map030"), "0 to 800"),
              ("ASR, BAU [t C ha⁻¹ yr⁻¹]", run.map("ASR_BAU_Map030"), RATES)]  # fmt: skip
    wanted += [(f"RSR, {s} [t C ha⁻¹ yr⁻¹]", run.map(f"RSR_{s}_Map030"), "0 to 4") for s in SSM]
    wanted += [
        ("half width of RSR, SSM2 [t C ha⁻¹ yr⁻¹]", run.diagnostic("RSR_SSM2_HalfWidth"), ""),
        ("C_eq [t C ha⁻¹ yr⁻¹]", run.diagnostic("C_eq"), ""),
        ("C_eq / NPP [-]", run.diagnostic("C_eq_over_NPP"), "up to 1"),
    ]
    rows = []
    for name, values, limits in wanted:
        of_cells = np.nanpercentile(values, [0, 5, 50, 95, 100])
        shown = rate if name.startswith(("ASR", "RSR", "half")) else number
        rows.append([name, *(shown(value) for value in of_cells), limits])
    header = ("over the cells", "least", "5 %", "median", "95 %", "most", "plausible")
    return table(header, rows)


def covers(named: Mapping[str, runs.Finished]) -> str:
    """What plant cover changes: the same run with another cover."""
    rows = []
    for name, run in named.items():
        country = run.report.summary.query("level == 'country'").set_index("scenario")
        q, gain = run.diagnostic("C_eq_over_NPP"), run.map("RSR_SSM2_Map030")
        cells = np.isfinite(q)
        rows.append(
            [
                name,
                number(float(np.median(run.diagnostic("rate_spin_up")[cells]))),
                number(float(np.median(run.diagnostic("C_eq")[cells]))),
                percent(float((q[cells] > 1.0).mean())),
                rate(country.loc[BAU, "mean_asr_tc_ha_per_yr"]),
                rate(float(np.median(gain[cells]))),
                rate(float(np.percentile(gain[cells], 95))),
                rate(country.loc["SSM3", "mean_rsr_tc_ha_per_yr"]),
                number(country.loc["SSM3", "total_rsr_mt_c_per_yr"]),
            ]
        )
    header = ("plant cover", "rate modifier, median", "C_eq, median [t C ha⁻¹ yr⁻¹]",
              "C_eq above NPP", "ASR of BAU, mean", "RSR +10 %, median", "RSR +10 %, 95 %",
              "RSR +20 %, mean", "RSR +20 % [Mt C yr⁻¹]")  # fmt: skip
    return table(header, rows)


def cropped_months(run: runs.Finished) -> str:
    """Need of carbon by the number of months the crop calendar calls cropped, annual crops only."""
    cells = CountryInputs(run.config).load().cells
    annual = cells.isel(cell=np.isin(cells["land_use"].values, ANNUAL))
    months = annual["cover_forward"].values.sum(axis=1)
    at = (annual["row"].values, annual["column"].values)
    q, speed = run.diagnostic("C_eq_over_NPP")[at], run.diagnostic("rate_spin_up")[at]
    rows = []
    for low, high in CROPPED:
        group = (months >= low) & (months <= high) & np.isfinite(q)
        if group.any():
            rows.append(
                [
                    f"{low}" if low == high else f"{low} to {high}",
                    f"{group.sum():,}",
                    number(float(np.median(speed[group]))),
                    number(float(np.median(q[group]))),
                    percent(float((q[group] > 1.0).mean())),
                ]
            )
    header = ("cropped months", "cells", "rate modifier, median", "C_eq / NPP, median",
              "C_eq above NPP")  # fmt: skip
    return table(header, rows)


def covered_months(run: runs.Finished) -> Floats:
    """Months of the year under plant cover, (y, x), NaN where nothing was modelled."""
    cells = CountryInputs(run.config).load().cells
    months = np.full_like(run.map("T0_Map030"), np.nan)
    months[cells["row"].values, cells["column"].values] = cells["cover_forward"].values.sum(axis=1)
    return months


def land_cover(run: runs.Finished) -> str:
    """Native land-cover codes of the modelled cells by class, largest first."""
    inputs = CountryInputs(run.config)
    layer, crosswalk = inputs.layers["land_use"], inputs.crosswalks["land_use"]
    codes = runs.read_map(layer.layer.path)
    area = inputs.load().area_ha
    modelled = np.isfinite(run.map("T0_Map030"))
    found = [
        (int(code), area[modelled & (codes == code)].sum()) for code in np.unique(codes[modelled])
    ]
    rows = [
        [f"{code} {crosswalk.labels[code]}", land_use_classes()[crosswalk.classes[code]].name,
         number(ha / 1.0e3)]
        for code, ha in sorted(found, key=lambda pair: -pair[1])
    ]  # fmt: skip
    return table(("ESA CCI class", "read as", "area [1000 ha]"), rows)


def mean_year(named: Mapping[str, runs.Finished]) -> str:
    """BAU on the mean year of the warm-up, as the protocol has it, and on its years once more."""
    rows = []
    for name, run in named.items():
        inputs = CountryInputs(run.config)
        loaded, tables, warm = inputs.load(), inputs.tables, run.config.warm_up
        assert warm is not None
        cells = loaded.cells
        t0 = warm_up(spin_up(cells, tables), cells, tables)
        ahead = forward(t0, cells, tables, (), run.config.forward.years)
        again = t0
        for _ in range(run.config.forward.years // (warm.years[1] - warm.years[0] + 1)):
            again = warm_up(again, cells, tables)
        area = loaded.area_ha[cells["row"].values, cells["column"].values]
        area = area * (t0["outcome"].values == np.uint8(Outcome.RUN))

        def mean(stock: Floats, weight: Floats = area) -> float:
            return float((np.where(weight > 0, stock, 0.0) * weight).sum() / weight.sum())

        at_t0, years = mean(_stock(t0)), run.config.forward.years
        on_mean = (mean(ahead["final_soc"].sel(scenario=BAU).values) - at_t0) / years
        on_years = (mean(_stock(again)) - at_t0) / years
        before = (at_t0 - mean(cells["soc"].values)) / (warm.years[1] - warm.years[0] + 1)
        rows.append([name, *(rate(value) for value in (before, on_mean, on_years))])
    header = ("plant cover", "change in the warm-up", "BAU on the mean year (protocol)",
              "BAU on the years of the warm-up again")  # fmt: skip
    return table(header, rows)


def _stock(state: xr.Dataset) -> Floats:
    return np.asarray(state["pools"].values.sum(axis=1) + state["iom"].values)


def orientation(table_cover: runs.Finished, covered: runs.Finished) -> str:
    """The world beside the independent check on the same data."""
    columns = []
    for run in (covered, table_cover):
        country = run.report.summary.query("level == 'country'").set_index("scenario")
        gain = run.map("RSR_SSM2_Map030")
        gain = gain[np.isfinite(gain)]
        q, need = run.diagnostic("C_eq_over_NPP"), run.diagnostic("C_eq")
        columns.append(
            [
                number(country.loc["SSM3", "area_ha"] / 1.0e9),
                rate(float(np.median(gain))),
                rate(float(np.percentile(gain, 95))),
                rate(country.loc["SSM3", "mean_rsr_tc_ha_per_yr"]),
                number(country.loc["SSM3", "total_rsr_mt_c_per_yr"] / 1.0e3, 2),
                number(float(np.nanmedian(need))),
                percent(float((q[np.isfinite(q)] > 1.0).mean())),
            ]
        )
    header = ("", "independent check, covered all year", "recarb, covered all year",
              "recarb, crop calendar")  # fmt: skip
    names = INDEPENDENT.items()
    return table(
        header, [[key, value, *both] for (key, value), *both in zip(names, *columns, strict=True)]
    )


def latitudes(named: Mapping[str, runs.Finished]) -> str:
    """Area, stock and total gain at +20 % by belts of latitude."""
    run = next(iter(named.values()))
    inputs = CountryInputs(run.config)
    a, shape = inputs.grid.transform, inputs.grid.shape
    north = np.repeat((a.f + (np.arange(shape[0]) + 0.5) * a.e)[:, None], shape[1], axis=1)
    area, t0 = inputs.load().area_ha, run.map("T0_Map030")
    rows = []
    for low, high, name in BELTS:
        belt = (north > low) & (north <= high) & np.isfinite(t0)
        ha = area[belt].sum()
        totals = [
            number(float((of.map("RSR_SSM3_Map030") * area)[belt].sum() / 1.0e6))
            for of in named.values()
        ]
        mean = float((t0 * area)[belt].sum() / ha)
        rows.append([name, f"{belt.sum():,}", number(ha / HA_PER_MHA), number(mean), *totals])
    header = ["belt", "cells", "area [Mha]", "T0 [t C ha⁻¹]"]
    return table(header + [f"RSR +20 % [Mt C yr⁻¹]: {name}" for name in named], rows)


def needs(named: Mapping[str, runs.Finished]) -> str:
    """Share of cells, by land use, that need more carbon than grows."""
    rows = []
    for code, of_class in land_use_classes().items():
        shares = []
        for run in named.values():
            q = run.diagnostic("C_eq_over_NPP")
            group = (run.diagnostic("land_use") == code) & np.isfinite(q)
            if group.any():
                shares += [number(float(np.median(q[group]))), percent((q[group] > 1.0).mean())]
                cells = int(group.sum())
        if shares:
            rows.append([of_class.name, f"{cells:,}", *shares])
    header = ["land use", "cells"]
    for name in named:
        header += [f"C_eq / NPP, median: {name}", f"above 1: {name}"]
    return table(header, rows)


def evi_thresholds(run: runs.Finished, plain: runs.Finished) -> str:
    """North Macedonia with cover from EVI at several thresholds, beside the table by land use."""
    inputs = CountryInputs(run.config)
    loaded = inputs.load()
    cells, area = loaded.cells, loaded.area_ha
    at = (cells["row"].values, cells["column"].values)
    rows = []
    for threshold in EVI_THRESHOLDS:
        path = run.report.folder.parent / f"cover_{threshold:.2f}.tif"
        runs.write_evi_cover(path, threshold)
        cover = np.stack([runs.read_map(path, month + 1)[at] for month in range(12)], axis=1)
        own = cells.assign(
            cover_spin_up=(("cell", "month"), cover), cover_forward=(("cell", "month"), cover)
        )
        rows.append(
            _evi_row(f"EVI ≥ {threshold:.2f}", own, cover, simulate(own, run.config), area[at])
        )
    table_cells = CountryInputs(plain.config).load().cells
    cover = table_cells["cover_forward"].values
    where = (table_cells["row"].values, table_cells["column"].values)
    maps = simulate(table_cells, plain.config)
    rows.append(_evi_row("table and crop calendar", table_cells, cover, maps, area[where]))
    header = ("plant cover", "covered months, cropland", "covered months, grassland",
              "C_eq, median [t C ha⁻¹ yr⁻¹]", "C_eq above NPP",
              "RSR +20 % [kt C yr⁻¹]")  # fmt: skip
    return table(header, rows)


def _evi_row(
    name: str, cells: xr.Dataset, cover: Floats, maps: xr.Dataset, area: Floats
) -> list[object]:
    land_use = cells["land_use"].values
    months = [number(float(cover[land_use == code].sum(axis=1).mean()), 2) for code in (2, 3)]
    need = percent(float((maps["C_eq_over_NPP"].values > 1.0).mean()))
    kt = float((maps["RSR_SSM3"].values * area).sum()) / 1.0e3
    return [name, *months, number(float(np.median(maps["C_eq"]))), need, number(kt)]
