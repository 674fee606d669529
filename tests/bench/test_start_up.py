"""The first run starts from an empty cache of kernels, the second finds what the first has left."""

from pathlib import Path

from bench.asked import Asked
from bench.measure import Run

from bench import start_up


def test_the_first_run_has_an_empty_cache_and_the_next_has_not(tmp_path, monkeypatch):
    empty = []

    def measure(command, folder, environment=None):
        if "--help" in command:
            return Run(0.3, 0.2)
        cache = Path(environment["RECARB_CACHE_DIR"])
        empty.append(not any(cache.iterdir()))
        (cache / "kernel").touch()
        return Run(19.0, 18.0) if empty[-1] else Run(4.0, 5.0)

    monkeypatch.setattr(start_up, "measure", measure)
    helps, compiling = start_up.measured(Asked(tmp_path, repeats=2))
    assert empty == [True, False, True, False]
    assert compiling.runs == (Run(15.0, 13.0), Run(15.0, 13.0))
    assert helps.runs == (Run(0.3, 0.2), Run(0.3, 0.2))
