"""`recarb gain-needed`: how much more carbon input a target needs, from the maps of a run."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

if TYPE_CHECKING:
    from recarb.sequestration.gain_needed import GainNeeded


def gain_needed(
    run: Annotated[
        Path, typer.Argument(help="Folder of a finished run, or its run.toml.", show_default=False)
    ],
    rsr: Annotated[
        float | None, typer.Option(help="More than BAU would have [t C ha-1 yr-1].")
    ] = None,
    asr: Annotated[float | None, typer.Option(help="More than today [t C ha-1 yr-1].")] = None,
    rel_diff: Annotated[
        float | None, typer.Option(help="Stock beyond that of BAU at the end [t C ha-1].")
    ] = None,
    abs_diff: Annotated[
        float | None, typer.Option(help="Stock beyond that of t0 at the end [t C ha-1].")
    ] = None,
    name: Annotated[str, typer.Option(help="Of the target, in the names of its maps.")] = "target",
) -> None:
    """Map the gain in carbon input [%] that reaches a stated gain of the soil, in closed form.

    Writes two maps into RUN/targets. Nothing is run again: one plain scenario of the run is enough.

    Examples:

        recarb gain-needed tinyland/run.toml --rsr 0.2

        recarb gain-needed kenya/out --abs-diff 2 --name twoTonnes
    """
    from pydantic import ValidationError

    from recarb.cli.progress import Reporter
    from recarb.core.config import Target, load_config
    from recarb.core.errors import ConfigError
    from recarb.sequestration.gain_needed import gain_needed as find

    given = {
        "rsr_tc_ha_per_yr": rsr, "asr_tc_ha_per_yr": asr,
        "rel_diff_tc_ha": rel_diff, "abs_diff_tc_ha": abs_diff,
    }  # fmt: skip
    try:
        target = Target.model_validate({"name": name} | given)
    except ValidationError as error:
        raise ConfigError(
            "give one of --rsr, --asr, --rel-diff, --abs-diff, and a name of letters and digits: "
            + error.errors()[0]["msg"].removeprefix("Value error, ")
        ) from error
    folder = load_config(run).local_output() if run.suffix == ".toml" else run
    with Reporter() as reporter:
        found = find(folder, target, reporter)
    for line in _lines(found):
        typer.echo(line)


def _lines(found: "GainNeeded") -> list[str]:
    from recarb.sequestration.targets import REASONS

    total = max(found.total, 1)
    texts = {
        "5": "reach it with +5 % or less",
        "10": "with 5 to 10 %",
        "20": "with 10 to 20 %",
        "30": "with 20 to 30 %",
        "more": "need more than that, but less than NPP",
        **REASONS,
    }
    rows = [
        f"  {found.cells[key]:>12,} cells ({found.cells[key] / total:6.1%}) {text}"
        for key, text in texts.items()
        if found.cells.get(key)
    ]
    return [
        f"from the response of scenario {found.scenario}:",
        *rows,
        f"maps: {found.maps[0]}, {found.maps[1]}",
    ]
