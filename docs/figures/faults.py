"""Figures and numbers of `docs/faults`: what each fault of the published chain does to real maps.

Run from the root of the repository, with the data folder in RECARB_DATA (or ../shared/data):
`python -m docs.figures.faults` for all pages, or with the numbers of some. Prints the numbers that
stand on the pages.
"""

import sys
import tempfile
from collections.abc import Callable
from functools import cache
from pathlib import Path
from unittest import mock

import numpy as np
import xarray as xr
from matplotlib.axes import Axes
from matplotlib.colors import ListedColormap
from matplotlib.figure import Figure
from matplotlib.patches import Patch
from numpy.typing import NDArray
from tests.real import runs
from tests.realdata import data_folder

from recarb.core.config import FAO_R, RunConfig
from recarb.core.grid import cell_centres
from recarb.sequestration.fao_r import phases, protocol
from recarb.sequestration.fao_r.numbers import NUMBERS
from recarb.sequestration.inputs import CountryInputs
from recarb.sequestration.ledger import Outcome
from recarb.sequestration.npp import miami
from recarb.sequestration.simulate import simulate

Floats = NDArray[np.float64]

IMAGES = Path(__file__).resolve().parents[1] / "img" / "faults"
DPI = 100
SUBSTEPS = 40  # of a month, for the accurate solution
OUTSIDE, GREY, RED, BLUE, ORANGE = "#d9e6f2", "#c8c8c8", "#e31a1c", "#0072B2", "#E69F00"
WORLD, IBERIA, ZAMBIA = "global_0p5deg", "iberia", "zambia_eastern"
TWENTY_YEARS = (
    ("years = [1981, 2000]", "years = [1981, 1990]"),
    ("years = [2001, 2010]", "years = [1991, 2010]"),
)
euler = phases.euler


def with_december(pools: Floats, c_input: Floats, rate: Floats, *soil: Floats) -> Floats:
    """The chain's step with as many steps as months."""
    return euler(pools, c_input, np.concatenate([rate, rate[-1:]]), *soil)


def accurate(pools: Floats, c_input: Floats, rate: Floats, *soil: Floats) -> Floats:
    """All months, each in many small steps."""
    small = np.repeat(rate / SUBSTEPS, SUBSTEPS, axis=0)
    return euler(pools, c_input / SUBSTEPS, np.concatenate([small, small[-1:]]), *soil)


@cache
def region(name: str, twenty: bool = False) -> tuple[RunConfig, CountryInputs, xr.Dataset]:
    """Configuration, inputs and cells of a real region; Iberia also with 20 warm-up years."""
    folder = Path(tempfile.mkdtemp())
    if twenty:
        text = runs.toml_text(name)
        for old, new in TWENTY_YEARS:
            assert old in text
            text = text.replace(old, new)
        text += "\n[model]\nsoc_year = 1990\n" if "[model]" not in text else ""
        text = text.replace("soc_year = 2000", "soc_year = 1990")
        with mock.patch.object(runs, "toml_text", lambda _: text):
            config = runs.load(name, folder)
    else:
        config = runs.load(name, folder)
    inputs = CountryInputs(config)
    return config, inputs, inputs.load().cells


def published(name: str, step: Callable[..., Floats] = euler, twenty: bool = False) -> xr.Dataset:
    """All phases of the published plain chain, by default with its own step."""
    config, inputs, cells = region(name, twenty)
    with mock.patch.object(phases, "euler", step):
        return protocol.run(cells, config, inputs.tables)["mean"]


@cache
def maps(name: str, which: str) -> xr.Dataset:
    """The maps of a region under a protocol, over its cells."""
    config, inputs, cells = region(name)
    return simulate(cells, config.model_copy(update={"protocol": which}), inputs.tables)


def on_grid(name: str, values: Floats) -> Floats:
    """Values of cells as a field (y, x)."""
    _, inputs, cells = region(name)
    field = np.full(inputs.grid.shape, np.nan)
    field[cells["row"].values, cells["column"].values] = values
    return field


def draw(
    axes: Axes, name: str, values: Floats, title: str, label: str, limits: tuple, colours: str
) -> None:
    """A map of a region with its colour bar."""
    box = region(name)[1].grid.boundingbox
    axes.set_facecolor(OUTSIDE)
    shown = axes.imshow(
        on_grid(name, values),
        extent=(box.left, box.right, box.bottom, box.top),
        vmin=limits[0],
        vmax=limits[1],
        cmap=colours,
        interpolation="nearest",
        aspect="auto" if name == WORLD else 1.3,
    )
    if name == WORLD:
        axes.set_ylim(-58.0, 75.0)
    axes.set_title(title, fontsize=9)
    axes.tick_params(labelsize=7)
    bar = axes.figure.colorbar(shown, ax=axes, extend="both", shrink=0.8)
    bar.set_label(label, fontsize=8)
    bar.ax.tick_params(labelsize=7)


def tell(fault: int, **numbers: object) -> None:
    """Print what the page of a fault says."""
    shown = {k: v if isinstance(v, str) else np.round(np.asarray(v), 4) for k, v in numbers.items()}
    print(f"{fault}:", ", ".join(f"{key} {value}" for key, value in shown.items()))


def page(columns: int = 2, size: tuple[float, float] = (9.0, 3.6)) -> tuple[Figure, list[Axes]]:
    figure = Figure(figsize=size, dpi=DPI, layout="constrained")
    return figure, list(np.atleast_1d(figure.subplots(1, columns)))


def save(figure: Figure, name: str) -> None:
    IMAGES.mkdir(parents=True, exist_ok=True)
    figure.savefig(IMAGES / f"{name}.png")


def official(stem: str) -> Floats:
    """A map that Bhutan submitted, as it stands in the file; NaN where it declares nodata."""
    return runs.read_map(data_folder() / runs.BHUTAN_OFFICIAL / f"Bhutan_GSOCseq_{stem}_Map030.tif")


def fault_1() -> None:
    """Euler diverges."""
    figure = Figure(figsize=(11.0, 3.4), dpi=DPI, layout="constrained")
    world, zambia, line = figure.subplots(1, 3, width_ratios=(2.2, 1.15, 1.0))
    for axes, name in ((world, WORLD), (zambia, ZAMBIA)):
        mean = published(name)
        cold = mean["outcome"].values == Outcome.NO_RATE
        lost = np.isnan(mean["final_soc"].isel(scenario=0).values) & ~cold
        tell(1, region=name, cells=lost.size, filtered=lost.sum(), too_cold=cold.sum())
        tell(1, t0_above_800_or_lost=(~(mean["soc_t0"].values <= 800) & ~cold).sum())
        _classes(axes, name, lost, cold)
    world.set_title("Final stock of BAU, published numerics", fontsize=9)
    world.set_ylim(-58, 80)
    zambia.set_title("Eastern Zambia", fontsize=9)
    t0 = official("T0")
    tell(1, bhutan_t0_above_1000=(t0 > 1000).sum(), largest=np.nanmax(t0))
    _cell_that_diverges(line, ZAMBIA)
    save(figure, "1_euler")


def _classes(axes: Axes, name: str, lost: NDArray[np.bool_], cold: NDArray[np.bool_]) -> None:
    """Where a cell keeps its stock, and how others lose it."""
    box = region(name)[1].grid.boundingbox
    axes.set_facecolor(OUTSIDE)
    axes.imshow(
        on_grid(name, np.where(cold, 2.0, np.where(lost, 1.0, 0.0))),
        extent=(box.left, box.right, box.bottom, box.top),
        cmap=ListedColormap([GREY, RED, BLUE]),
        vmin=0,
        vmax=2,
        interpolation="nearest",
        aspect="auto",
    )
    if cold.any():  # the world's; its keys hold for both maps
        keys = [(GREY, "a stock"), (RED, "below 0 or above 300"), (BLUE, "a month below -18.3 °C")]
        handles = [Patch(color=colour, label=text) for colour, text in keys]
        axes.legend(handles=handles, fontsize=7, loc="lower left")
    axes.tick_params(labelsize=7)


def _cell_that_diverges(axes: Axes, name: str) -> None:
    """Stock of one lost cell, year by year, by the chain's steps and by small ones."""
    config, inputs, cells = region(name)
    tables = inputs.tables
    mean = published(name, accurate)
    lost = np.isnan(published(name)["final_soc"].isel(scenario=0).values)
    at = int(np.flatnonzero(lost & np.isfinite(mean["c_bau"].values))[0])
    cell = cells.isel(cell=slice(at, at + 1))
    chain = protocol.chains_of(cell, config)[0]
    land = cell["land_use"].values
    rate = protocol.rate_of(cell, chain, "forward", land, tables)
    pools, iom = mean["pools"].values[:, at : at + 1], float(mean["iom"].values[at])
    c_input = mean["c_bau"].values[at : at + 1]
    soil = (chain.clay_pct, tables.dpm_rpm[land])
    years = np.arange(1, 21)
    for step, label, colour in ((euler, "steps of a month", RED), (accurate, "small steps", BLUE)):
        ends = [step(pools, c_input, np.tile(rate, (n, 1)), *soil).sum() + iom for n in years]
        axes.semilogy(years, np.abs(ends), color=colour, label=label, linewidth=1.2)
    lon, lat = cell_centres(inputs.grid, cells["row"].values[at], cells["column"].values[at])
    axes.set_title(f"|stock| of the cell at {lon:.2f}, {lat:.2f}", fontsize=9)
    axes.set_xlabel("year", fontsize=8)
    axes.set_ylabel("t C ha⁻¹", fontsize=8)
    axes.legend(fontsize=7)
    axes.tick_params(labelsize=7)


def fault_2() -> None:
    """The year of eleven steps."""
    chain, whole = (published(IBERIA, step) for step in (euler, with_december))
    short = 100 * (chain["soc_t0"] / whole["soc_t0"] - 1).values
    gain = [
        ended["final_soc"].sel(scenario="SSM3") - ended["final_soc"].sel(scenario="BAU")
        for ended in (chain, whole)
    ]
    response = 100 * (gain[0] / gain[1] - 1).values
    tell(2, t0_pct=np.nanpercentile(short, [0, 50, 100]))
    tell(2, response_pct=np.nanmedian(response))
    figure, (axes, other) = page()
    reach = float(np.nanpercentile(np.abs(short), 98))
    draw(
        axes,
        IBERIA,
        short,
        "T0, against a warm-up with all Decembers",
        "%",
        (-reach, reach),
        "BrBG",
    )
    other.hist(response[np.isfinite(response)], bins=30, color=BLUE)
    other.set_title("Response to +20 % input, 239 against 240 steps", fontsize=9)
    other.set_xlabel("difference [%]", fontsize=8)
    other.set_ylabel("cells", fontsize=8)
    save(figure, "2_eleven_steps")


def fault_3() -> None:
    """Moisture."""
    theirs, ours = maps(IBERIA, FAO_R), maps(IBERIA, "rothc-26.3")
    change = 100 * (theirs["rate_spin_up"] / ours["rate_spin_up"] - 1).values
    inputs = 100 * (theirs["C_eq"] / ours["C_eq"] - 1).values
    tell(3, rate_pct=np.nanpercentile(change, [0, 5, 50, 95, 100]))
    tell(3, c_eq_pct=np.nanmedian(inputs))
    figure, (axes, other) = page()
    draw(
        axes,
        IBERIA,
        change,
        "Mean rate of the spin-up, against RothC-26.3",
        "%",
        (-100, 100),
        "BrBG_r",
    )
    draw(
        other,
        IBERIA,
        inputs,
        "Carbon input of the equilibrium, against RothC-26.3",
        "%",
        (-100, 100),
        "BrBG",
    )
    save(figure, "3_moisture")


def fault_4() -> None:
    """Cells that pass the filter."""
    chain, truth = (published(IBERIA, step) for step in (euler, accurate))
    final = [r["final_soc"].sel(scenario="BAU").values for r in (chain, truth)]
    rates = [(f - r["soc_t0"].values) / 20 for f, r in zip(final, (chain, truth), strict=True)]
    off = 100 * (final[0] / final[1] - 1)
    known = np.isfinite(off)
    change = rates[0] - rates[1]
    turned = np.sign(rates[0]) != np.sign(rates[1])
    tell(4, final_off_pct=np.nanpercentile(np.abs(off), [50, 100]), cells=known.sum())
    tell(4, rate_off=np.nanmedian(np.abs(change)), rate=np.nanmedian(np.abs(rates[1])))
    tell(4, other_sign_pct=100 * turned[known].mean())
    figure, (axes, other) = page()
    reach = float(np.nanpercentile(np.abs(change), 98))
    draw(
        axes,
        IBERIA,
        change,
        "BAU rate, chain minus accurate solution",
        "t C ha⁻¹ yr⁻¹",
        (-reach, reach),
        "BrBG",
    )
    other.scatter(rates[1], rates[0], s=6, color=np.where(turned, RED, BLUE).tolist())
    ends = [np.nanmin(rates), np.nanmax(rates)]
    other.plot(ends, ends, color="0.4", linewidth=0.8)
    other.axhline(0, color="0.7", linewidth=0.6)
    other.axvline(0, color="0.7", linewidth=0.6)
    other.set_title("BAU rate [t C ha⁻¹ yr⁻¹]; red: another sign", fontsize=9)
    other.set_xlabel("accurate", fontsize=8)
    other.set_ylabel("published chain", fontsize=8)
    save(figure, "4_passing_cells")


def fault_5() -> None:
    """Uncertainty over the sum."""
    found = maps(IBERIA, FAO_R)
    later, earlier = found["finalSOC_BAU"].values, found["T0"].values
    over_sum = found["U_ASR_BAU"].values
    over_difference = over_sum * np.abs(later + earlier) / np.abs(later - earlier)
    chains = maps(IBERIA, "rothc-26.3")["U_ASR_BAU"].values
    tell(5, over_sum=np.nanmedian(over_sum), over_difference=np.nanmedian(over_difference))
    tell(5, chains=np.nanmedian(chains))
    figure, (axes, other) = page()
    draw(axes, IBERIA, over_sum, "U of the BAU rate as published", "%", (0, 30), "YlOrBr")
    draw(
        other,
        IBERIA,
        chains,
        "U of the BAU rate, chains differenced (recarb)",
        "%",
        (0, 200),
        "YlOrBr",
    )
    save(figure, "5_divided_by_the_sum")


def fault_6() -> None:
    """A shift in percent of degrees Celsius."""
    _, _, cells = region(WORLD)
    by_month = cells["temperature_spin_up"].values
    shift = NUMBERS.temperature_pct / 100 * by_month.min(axis=0)
    annual = by_month.mean(axis=0)
    tell(
        6, colder_in_coldest_month_pct=100 * (shift < 0).mean(), shift_k=[shift.min(), shift.max()]
    )
    tell(6, colder_over_the_year_pct=100 * (annual < 0).mean())
    wet = np.full_like(annual, 1e5)  # [mm], so that warmth is the limit
    by_warmth = miami(annual * 1.02, wet) < miami(annual, wet)
    tell(6, less_npp_by_temperature_pct=100 * by_warmth.mean())
    figure, (axes, other) = page(size=(10.0, 3.2))
    draw(axes, WORLD, shift, "The warm chain in the coldest month", "K", (-0.6, 0.6), "RdBu_r")
    warm = NUMBERS.temperature_pct / 100 * by_month.max(axis=0)
    draw(other, WORLD, warm, "The warm chain in the warmest month", "K", (-0.6, 0.6), "RdBu_r")
    save(figure, "6_percent_of_celsius")


def fault_7() -> None:
    """Missing as -999."""
    bau, ssm = official("finalSOC_BAU"), official("finalSOC_SSM1")
    rate = official("RSR_SSM1")
    both = (bau == -999) & (ssm == -999)
    tell(7, cells=np.isfinite(rate).sum(), both_missing=both.sum(), rates=np.unique(rate[both]))
    known = np.isfinite(rate)
    tell(7, mean_rsr=rate[known].mean(), mean_without=rate[known & ~both].mean())
    figure, (axes,) = page(1, (7.5, 3.8))
    classes = np.where(both, 1.0, np.where(np.isfinite(rate), 0.0, np.nan))
    axes.set_facecolor(OUTSIDE)
    axes.imshow(
        classes,
        extent=(88.75, 92.125, 26.70, 28.25),
        cmap=ListedColormap([GREY, RED]),
        interpolation="nearest",
        aspect=1.13,
    )
    keys = [(GREY, "a rate"), (RED, "-999 minus -999: a rate of exactly 0")]
    axes.legend(
        handles=[Patch(color=c, label=text) for c, text in keys], fontsize=7, loc="upper left"
    )
    axes.set_title("RSR_SSM1 as Bhutan submitted it", fontsize=9)
    save(figure, "7_minus_999")


def dropped(cells: int, cores: int) -> int:
    """Cells that the scripts leave out: blocks of round(cells / cores), and `cores` of them."""
    block = round(cells / cores)
    return max(cells - block * cores, 0)


def fault_8() -> None:
    """The parallel split."""
    figure, (axes,) = page(1, (7.0, 3.4))
    cores = np.arange(1, 65)
    for name, colour in ((IBERIA, ORANGE), (ZAMBIA, RED), (WORLD, BLUE)):
        cells = region(name)[2].sizes["cell"]
        lost = np.array([dropped(cells, int(n)) for n in cores])
        tell(8, region=name, cells=cells, most=lost.max(), on_cores=cores[lost.argmax()])
        tell(8, some_on_pct=100 * (lost > 0).mean())
        axes.plot(cores, lost, ".-", color=colour, label=f"{name}, {cells:,} cells", linewidth=0.8)
    tell(8, hundred_on_7=dropped(100, 7), on_31=dropped(300_000, 31))
    axes.set_xlabel("processes", fontsize=8)
    axes.set_ylabel("cells without a result", fontsize=8)
    axes.legend(fontsize=7)
    axes.tick_params(labelsize=7)
    save(figure, "8_parallel_split")


def fault_9() -> None:
    """The input of the 18th year; a year without rain."""
    config, inputs, cells = region(IBERIA, twenty=True)
    chain = protocol.chains_of(cells, config)[0]
    tables, land = inputs.tables, cells["land_use"].values
    rate = protocol.rate_of(cells, chain.without_weather(), "spin_up", land, tables)
    iom = 0.049 * chain.soc**1.139
    c_eq, _ = phases.spin_up(chain.soc, iom, chain.clay_pct, rate, tables.dpm_rpm[land])
    npp, reference = protocol.yearly_npp_of(cells, chain, "warm_up"), protocol.reference_of(cells)
    amounts = phases.yearly_input(c_eq, npp, reference)
    off = 100 * (amounts[17] / amounts[-1] - 1)
    tell(9, years=len(amounts), off_pct=np.nanpercentile(off, [5, 50, 95]))
    tell(9, size_of_off_pct=np.nanmedian(np.abs(off)))
    dry = npp.copy()
    at = int(np.nanargmin(cells["rain_warm_up"].values.sum(axis=0)))
    dry[8, at] = 0.0
    broken = phases.yearly_input(c_eq, dry, reference)
    figure, (axes, other) = page()
    draw(axes, IBERIA, off, "Input of the 18th year, against the last", "%", (-40, 40), "BrBG")
    years = 1991 + np.arange(len(amounts))
    other.plot(years, amounts[:, at], color=BLUE, label="as it rained", linewidth=1.2)
    other.plot(years, broken[:, at], ".-", color=RED, label="no rain in 1999", linewidth=1.2)
    other.set_title("Carbon input of the driest cell [t C ha⁻¹ yr⁻¹]", fontsize=9)
    other.legend(fontsize=7)
    other.set_ylim(0, None)
    other.tick_params(labelsize=7)
    save(figure, "9_year_18")


FAULTS = (fault_1, fault_2, fault_3, fault_4, fault_5, fault_6, fault_7, fault_8, fault_9)

if __name__ == "__main__":
    for number in [int(n) for n in sys.argv[1:]] or range(1, len(FAULTS) + 1):
        FAULTS[number - 1]()
