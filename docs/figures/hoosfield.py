"""Draw `docs/img/hoosfield.png`: measured and modelled carbon at Hoosfield.

Run from the root of the repository, with the data folder in RECARB_DATA:
`python -m docs.figures.hoosfield`
"""

from pathlib import Path

from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure
from tests.real import hoosfield

PATH = Path(__file__).resolve().parents[1] / "img" / "hoosfield.png"
# Okabe & Ito 2008, with a marker each, so that no one needs the colours
STYLES = {
    "FYM": ("Farmyard manure every year", "#0072B2", "o"),
    "FYM 1852-1871": ("Farmyard manure 1852-1871 only", "#D55E00", "s"),
    "Unfertilized": ("Unmanured", "#000000", "^"),
}


def draw(path: Path = PATH) -> None:
    """Draw the figure into `path`."""
    figure = Figure(figsize=(8.0, 5.0), layout="constrained")
    FigureCanvasAgg(figure)
    axes = figure.add_subplot()
    measured = hoosfield.measured()
    for treatment, (label, colour, marker) in STYLES.items():
        result = hoosfield.run(treatment)
        december = result.months.query("month == 12")
        years_end = [int(december["year"].iloc[0]), *(december["year"] + 1)]
        stocks = [result.start.sum() + result.iom_tc_ha, *december["soc_tc_ha"]]
        axes.plot(years_end, stocks, color=colour, linewidth=1.5)
        # as compared: the end of the sampled year, but in the first year the start of the run
        years = measured.index + (measured.index > measured.index[0])
        rmse = hoosfield.rmse(hoosfield.compare(treatment))
        axes.plot(
            years,
            measured[treatment],
            marker=marker,
            color=colour,
            linestyle="none",
            markersize=6,
            label=f"{label} (RMSE {rmse:.1f} t C ha$^{{-1}}$)",
        )
    axes.plot([], [], color="#666666", label="Lines: RothC-26.3; markers: measured")
    axes.set_xlabel("Year")
    axes.set_ylabel("Soil organic carbon, 0-23 cm [t C ha$^{-1}$]")
    axes.set_ylim(0.0, 100.0)
    axes.set_xlim(1848, 2004)
    axes.spines[["top", "right"]].set_visible(False)
    axes.legend(loc="upper left", frameon=False)
    path.parent.mkdir(parents=True, exist_ok=True)
    figure.savefig(path, dpi=150)


if __name__ == "__main__":
    draw()
