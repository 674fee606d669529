"""Benchmark "start_up": until recarb answers, and what the first run on a machine takes more."""

import tempfile
from pathlib import Path

from bench.asked import Asked
from bench.country import write_country
from bench.measure import RECARB, RUN, Run, measure
from bench.results import Record

CELLS = 1_000  # hardly any work beside the compilation
HELP_TARGET, COMPILE_TARGET = "0.5 s", "20 s"


def measured(asked: Asked) -> list[Record]:
    """`recarb --help`, and the time a run with an empty cache of kernels takes more than the next.

    The two runs follow each other, and the difference is taken of each pair.
    """
    path = write_country(asked.work / "start_up", CELLS)
    helps, compilations = [], []
    for _ in range(asked.repeats):
        helps.append(measure((*RECARB, "--help"), asked.work))
        with tempfile.TemporaryDirectory(dir=asked.work) as cache:
            first, second = (_run(path, cache) for _ in range(2))
        compilations.append(
            Run(first.wall_s - second.wall_s, (first.cpu_s or 0.0) - (second.cpu_s or 0.0))
        )
    return [
        Record("start_up", "recarb --help", 0, tuple(helps), target=HELP_TARGET),
        Record("start_up", "compiling, first run", 0, tuple(compilations), target=COMPILE_TARGET),
    ]


def _run(path: Path, cache: str) -> Run:
    return measure((*RUN, str(path)), path.parent, {"RECARB_CACHE_DIR": cache})
