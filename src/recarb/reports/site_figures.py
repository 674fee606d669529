"""Figure of one site run: the pools stacked over time, and their sum."""

from pathlib import Path

from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator

from recarb.io.tables import written_atomically
from recarb.sequestration.site import SiteResult

# Okabe & Ito 2008, told apart with every kind of colour vision; slowest pool at the bottom
POOLS = (
    ("iom_tc_ha", "IOM (inert)", "#999999"),
    ("hum_tc_ha", "HUM", "#0072B2"),
    ("rpm_tc_ha", "RPM", "#E69F00"),
    ("bio_tc_ha", "BIO", "#CC79A7"),
    ("dpm_tc_ha", "DPM", "#009E73"),
)
SIZE_INCHES = (8.0, 4.5)
DOTS_PER_INCH = 150
HEADROOM = 1.08  # room above the largest stock


def plot_site(result: SiteResult, path: Path) -> None:
    """Draw the pools of a run over time [t C ha-1] into `path`; its ending gives the format.

    Parameters
    ----------
    result : SiteResult
    path : Path
        .png, .svg or .pdf; replaced if it exists.
    """
    months = result.months
    time = months["year"] + months["month"] / 12.0  # pools are those of the month's end
    figure = Figure(figsize=SIZE_INCHES, layout="constrained")
    FigureCanvasAgg(figure)
    axes = figure.add_subplot()
    axes.stackplot(
        time,
        [months[column] for column, _, _ in POOLS],
        labels=[label for _, label, _ in POOLS],
        colors=[colour for _, _, colour in POOLS],
        linewidth=0,
    )
    axes.plot(time, months["soc_tc_ha"], color="black", linewidth=1.2, label="SOC (sum)")
    axes.set_xlabel("Year")
    axes.set_ylabel("Soil organic carbon [t C ha$^{-1}$]")
    axes.set_ylim(0.0, max(float(months["soc_tc_ha"].max()) * HEADROOM, HEADROOM - 1.0))
    if len(months) > 1:
        axes.set_xlim(time.iloc[0], time.iloc[-1])
    axes.xaxis.set_major_locator(MaxNLocator(integer=True))
    axes.spines[["top", "right"]].set_visible(False)
    handles, labels = axes.get_legend_handles_labels()
    axes.legend(
        handles[::-1], labels[::-1], loc="center left", bbox_to_anchor=(1.01, 0.5), frameon=False
    )
    with written_atomically(path) as part:
        figure.savefig(part, dpi=DOTS_PER_INCH)
