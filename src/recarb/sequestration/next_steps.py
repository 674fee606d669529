"""What comes next when a check finds files missing."""

from collections.abc import Iterator
from pathlib import Path

from recarb.core.config import LandUseLayer, RunConfig
from recarb.core.paths import AnyPath, matching

FETCHED = {  # layers that `recarb fetch` and `recarb prepare` make, by what they ask for
    "soc": "", "clay": "", "land_use": "", "land_use_spin_up": "", "boundary": "", "climate": "",
    "cover": "--with ndvi", "sand": "--with sand", "soc_uncertainty": "--with soc_quantiles",
    "clay_uncertainty": "--with clay_quantiles",
}  # fmt: skip


def missing_files(config: RunConfig) -> dict[str, AnyPath]:
    """Files on a disk that run.toml names and that are not there, by key."""
    return {
        key: path
        for key, path in _files(config)
        if isinstance(path, Path) and not path.is_file() and not matching(path)
    }


def next_steps(config: RunConfig, run_toml: str) -> list[str]:
    """Lines that say what to do about missing files; none where all are there."""
    missing = missing_files(config)
    if not missing:
        return []
    total = len(dict(_files(config)))
    lines = [f"{len(missing)} of {total} files that {run_toml} names are not there:"]
    lines += [f"  {key}: {path}" for key, path in missing.items()]
    lines += ["what comes next:", "- put your files there, or correct the paths in run.toml"]
    names = {_layer(key) for key in missing}
    if public := names & set(FETCHED):
        more = sorted({FETCHED[name] for name in public} - {""})
        fetch = " ".join(["recarb fetch", config.iso3, *more])
        lines.append(
            f"- or take public data: {fetch} && recarb prepare {config.iso3}: writes "
            f"{', '.join(sorted(public))} and a run.toml of its own into data/{config.iso3}"
        )
    if own := names - set(FETCHED):
        lines.append(
            f"- {', '.join(sorted(own))}: only a file of yours will do, or take the key out"
        )
    return [*lines, f"- then again: recarb check {run_toml}"]


def _layer(key: str) -> str:
    """Name of a layer among those that are fetched: the variables of a product come together."""
    head, _, rest = key.partition(".")
    return rest if head == "inputs" else head


def _files(config: RunConfig) -> Iterator[tuple[str, AnyPath]]:
    for key in type(config.inputs).model_fields:
        layer = getattr(config.inputs, key)
        if layer is None:
            continue
        yield f"inputs.{key}", layer.path
        if isinstance(layer, LandUseLayer):
            for number, override in enumerate(layer.override):
                yield f"inputs.{key}.override.{number}", override.path
    if config.boundary is not None:
        yield "boundary", config.boundary.path
    for name, climate in config.climate.items():
        for key, layer in climate.layers().items():
            yield f"climate.{name}.{key}", layer.path
        if climate.elevation is not None:
            yield f"climate.{name}.elevation", climate.elevation.path
