"""`recarb rothc`: the model for one soil."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

if TYPE_CHECKING:
    from recarb.io.tables import SiteTable
    from recarb.rothc.parameters import Parameters
    from recarb.sequestration.site import SiteResult, SiteRun

PLOT_TYPES = (".png", ".svg", ".pdf")
POOLS = ("DPM", "RPM", "BIO", "HUM")

VARIANTS = "Variants of the model"

SiteArgument = Annotated[
    Path, typer.Argument(help="Monthly table: .csv, or .dat of the official program.")
]
OutOption = Annotated[Path, typer.Option(help="Result, a CSV with one row per month.")]
ClayOption = Annotated[float | None, typer.Option(help="Clay content [%].")]
DepthOption = Annotated[float | None, typer.Option(help="Depth of the soil [cm].")]
IomOption = Annotated[
    float | None, typer.Option(help="Inert organic matter [t C ha-1]; this or --soc-tc-ha.")
]
StockOption = Annotated[
    float | None,
    typer.Option(
        help="Stock [t C ha-1]; gives IOM (Falloon) and, with a spin-up, scales its inputs."
    ),
]
InitialOption = Annotated[
    str | None, typer.Option(metavar="DPM,RPM,BIO,HUM", help="Pools at the start [t C ha-1].")
]
DeficitOption = Annotated[
    float | None, typer.Option(help="Moisture deficit at the start [mm], 0 or below.")
]
MonthsOption = Annotated[
    int, typer.Option(help="12: the first 12 rows are the equilibrium year; 0: no spin-up.")
]
EvaporationOption = Annotated[
    str, typer.Option(help="pan: open pan, multiplied by 0.75; pet: potential, as it is.")
]
ScaleOption = Annotated[
    bool, typer.Option("--scale-all", help="Scale the inputs after the spin-up too.")
]
PlotOption = Annotated[
    Path | None, typer.Option(help="Figure of the pools over time (.png, .svg, .pdf).")
]
OverwriteOption = Annotated[bool, typer.Option("--overwrite", help="Replace results that exist.")]
MoistureOption = Annotated[
    str,
    typer.Option(
        rich_help_panel=VARIANTS,
        help="Limits of the deficit: standard (by clay), van_genuchten (retention curve, dry down "
        "to -1000 bar) or van_genuchten_15_bar.",
    ),
]
SiltOption = Annotated[
    float | None, typer.Option(rich_help_panel=VARIANTS, help="Silt content [%], van Genuchten.")
]
DensityOption = Annotated[
    float | None,
    typer.Option(rich_help_panel=VARIANTS, help="Bulk density [g cm-3], van Genuchten."),
]
CarbonOption = Annotated[
    float | None,
    typer.Option(
        rich_help_panel=VARIANTS,
        help="Organic carbon [%], van Genuchten; without it, that of --soc-tc-ha.",
    ),
]
BareOption = Annotated[
    str,
    typer.Option(rich_help_panel=VARIANTS, help="How far bare soil dries: standard or 15_bar."),
]
CoverOption = Annotated[
    str,
    typer.Option(
        rich_help_panel=VARIANTS,
        help="threshold: covered from half cover on; mixed: covered and bare ground side by side.",
    ),
]
PaddyOption = Annotated[
    str | None,
    typer.Option(rich_help_panel=VARIANTS, help="A rice field: uniform (0.4) or seasonal."),
]
FloodedOption = Annotated[
    str | None,
    typer.Option(
        rich_help_panel=VARIANTS, metavar="MONTHS", help="Under water, like 6,7,8,9; seasonal."
    ),
]
SpinUpOption = Annotated[
    str,
    typer.Option(
        rich_help_panel=VARIANTS,
        help="periodic: of the monthly year; analytical: of continuous time with its mean rate.",
    ),
]
ParameterOption = Annotated[
    list[str] | None,
    typer.Option(
        rich_help_panel=VARIANTS,
        metavar="NAME=VALUE",
        help="Change a parameter of RothC, like moist_min=0.1; may be given again.",
    ),
]


def rothc(
    site: SiteArgument,
    out: OutOption,
    clay_pct: ClayOption = None,
    depth_cm: DepthOption = None,
    iom_tc_ha: IomOption = None,
    soc_tc_ha: StockOption = None,
    initial: InitialOption = None,
    initial_deficit_mm: DeficitOption = None,
    spin_up_months: MonthsOption = 0,
    evaporation: EvaporationOption = "pan",
    scale_all: ScaleOption = False,
    plot: PlotOption = None,
    overwrite: OverwriteOption = False,
    moisture: MoistureOption = "standard",
    silt_pct: SiltOption = None,
    bulk_density_g_cm3: DensityOption = None,
    organic_carbon_pct: CarbonOption = None,
    bare_limit: BareOption = "standard",
    cover: CoverOption = "threshold",
    paddy: PaddyOption = None,
    flooded_months: FloodedOption = None,
    spin_up: SpinUpOption = "periodic",
    parameter: ParameterOption = None,
) -> None:
    """Run RothC-26.3 month by month for one soil.

    The table has the columns year, month, temperature_c, rain_mm, evaporation_mm,
    carbon_input_tc_ha, fym_tc_ha, plant_cover (0-1), dpm_rpm; one row per month.

    Example: `recarb rothc site.csv --clay-pct 23.4 --depth-cm 23 --soc-tc-ha 33.8
    --spin-up-months 12 --out result.csv --plot pools.png`
    """
    from recarb.io import tables
    from recarb.sequestration.site import SiteRun, run_site

    _check_paths(site, out, plot, overwrite)
    table = tables.read_site(site)
    flooded = _months(flooded_months)
    asked = {"moisture": moisture, "bare_limit": bare_limit, "cover": cover, "spin_up": spin_up}
    if paddy is not None:
        asked |= {"paddy": paddy}
    own_iom = table.iom_tc_ha if soc_tc_ha is None else None
    run = SiteRun(
        months=table.months,
        clay_pct=table.clay_pct if clay_pct is None else clay_pct,
        depth_cm=table.depth_cm if depth_cm is None else depth_cm,
        iom_tc_ha=own_iom if iom_tc_ha is None else iom_tc_ha,
        soc_tc_ha=soc_tc_ha,
        initial=_four_pools(initial),
        initial_deficit_mm=initial_deficit_mm,
        spin_up_months=spin_up_months,
        evaporation=evaporation,
        scale_all=scale_all,
        parameters=_parameters(asked, flooded, parameter or []),
        silt_pct=silt_pct,
        bulk_density_g_cm3=bulk_density_g_cm3,
        organic_carbon_pct=organic_carbon_pct,
        paddy=paddy is not None,
        flooded_months=flooded,
    )
    result = run_site(run, table.findings)
    tables.write_csv(result.months, out, overwrite=overwrite)
    if plot is not None:
        _draw(result, plot)
    _tell(table, run, result)
    typer.echo(f"written: {', '.join(str(path) for path in (out, plot) if path is not None)}")


def _months(text: str | None) -> tuple[int, ...]:
    from recarb.core.errors import ConfigError

    try:
        return tuple(int(part) for part in text.split(",")) if text else ()
    except ValueError as error:
        raise ConfigError(
            f"--flooded-months: expected months 1 to 12 like 6,7,8,9, found '{text}'"
        ) from error


def _parameters(
    asked: dict[str, str], flooded_months: tuple[int, ...], changes: list[str]
) -> "Parameters":
    """RothC's numbers and variant, as run.toml would have them."""
    from pydantic import ValidationError

    from recarb.core.config import Variant
    from recarb.core.errors import ConfigError
    from recarb.sequestration.variants import model_parameters

    try:
        variant = Variant.model_validate({**asked, "flooded_months": flooded_months})
        numbers = {name: float(value) for name, _, value in (c.partition("=") for c in changes)}
    except ValidationError as error:
        fault = error.errors()[0]
        where = "".join(f"--{str(part).replace('_', '-')}: " for part in fault["loc"][:1])
        message = fault["msg"].removeprefix("Value error, ")
        raise ConfigError(f"{where}{message}, found {fault['input']!r}") from error
    except ValueError as error:
        raise ConfigError(
            f"--parameter: expected NAME=VALUE like moist_min=0.1, found {', '.join(changes)}"
        ) from error
    return model_parameters(numbers, variant, where="--parameter")


def _draw(result: "SiteResult", plot: Path) -> None:
    from recarb.io.tables import written_atomically
    from recarb.reports.site_figures import plot_site

    with written_atomically(plot) as temporary:
        plot_site(result, temporary)


def _four_pools(text: str | None) -> tuple[float, ...] | None:
    from recarb.core.errors import ConfigError

    if text is None:
        return None
    try:
        return tuple(float(part) for part in text.split(","))
    except ValueError as error:
        raise ConfigError(
            f"--initial: expected four numbers dpm,rpm,bio,hum [t C ha-1], found '{text}'; "
            "for example --initial 0.15,4.5,0.7,25.9"
        ) from error


def _check_paths(site: Path, out: Path, plot: Path | None, overwrite: bool) -> None:
    """Refuse before the run what would be refused after it."""
    from recarb.core.errors import ConfigError
    from recarb.io.tables import check_writable

    if plot is not None and plot.suffix.lower() not in PLOT_TYPES:
        raise ConfigError(f"--plot: expected {', '.join(PLOT_TYPES)}, found '{plot.name}'; rename")
    named = [path.resolve() for path in (site, out, plot) if path is not None]
    if len(set(named)) < len(named):
        raise ConfigError(f"SITE, --out and --plot: expected different files, found {named[0]}")
    for path in (out, plot):
        if path is not None:
            check_writable(path, overwrite)


def _tell(table: "SiteTable", run: "SiteRun", result: "SiteResult") -> None:
    """Print what the table of results does not say."""
    for note in table.notes:
        typer.echo(f"note: {note}")
    for finding in result.findings:
        typer.echo(finding.line())
    if result.spun_up and run.soc_tc_ha is not None:
        scope = "all inputs" if run.scale_all else "the spin-up inputs"
        typer.echo(f"factor: {result.factor:.10g} on {scope}, so that the stock is in equilibrium")
        if not run.scale_all:
            typer.echo("the inputs after the spin-up stay as in the table; --scale-all scales them")
    came = "equilibrium of the first 12 rows" if result.spun_up else "as given"
    pools = ", ".join(f"{name} {pool:.4f}" for name, pool in zip(POOLS, result.start, strict=True))
    total = float(result.start.sum()) + result.iom_tc_ha
    typer.echo(
        f"start ({came}): {pools}, IOM {result.iom_tc_ha:.4f}, SOC {total:.4f} t C ha-1, "
        f"deficit {result.start_deficit_mm:.2f} mm"
    )
    last = result.months.iloc[-1]
    typer.echo(
        f"end ({last['year']:.0f}-{last['month']:02.0f}): SOC {last['soc_tc_ha']:.4f} t C ha-1, "
        f"respired {result.months['respired_tc_ha'].sum():.4f} t C ha-1"
    )
