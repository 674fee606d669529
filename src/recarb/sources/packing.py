"""Compare how a file holds its numbers with the registry: unit, scale, offset, fill, range."""

from math import isclose
from pathlib import Path

from recarb.core.errors import UnitError
from recarb.core.quantities import catalogue
from recarb.core.units import conversion, is_unit
from recarb.sources.content import check_decodes
from recarb.sources.registry import LayerFacts

SAME = 1e-5  # relative: attributes are often float32


def compare(path: Path, facts: LayerFacts) -> tuple[list[str], str]:
    """What is not as the registry says, as "expected ..., came ..."; and what the file says.

    Raises
    ------
    WrongContent
        It cannot be decoded.
    """
    import rasterio

    uri = f'NETCDF:"{path}":{facts.in_file}' if facts.in_file else str(path)
    with rasterio.open(uri) as source:
        scale, offset, fill = source.scales[0], source.offsets[0], source.nodata
        unit = source.units[0] or ""
    low, high, valid = check_decodes(path, facts.in_file)
    wrong = [
        *_packing(facts, scale, offset),
        *_fill(facts, fill),
        *_unit(facts, unit),
    ]
    if not valid:
        wrong.append("expected values, every cell is 'no data'")
    elif not facts.low <= low <= high <= facts.high:
        wrong.append(
            f"expected values from {facts.low:g} to {facts.high:g} {facts.unit}, "
            f"came {low:g} to {high:g}"
        )
    told = (
        f"unit {unit or 'not told'}, scale {scale:g}, offset {offset:g}, "
        f"fill {'none' if fill is None else format(fill, 'g')}, values from {low:g} to {high:g}"
    )
    return wrong, told


def _packing(facts: LayerFacts, scale: float, offset: float) -> list[str]:
    expected_offset = 0.0 if facts.offset is None else facts.offset
    scales = [1.0 if facts.scale is None else facts.scale]
    if _is_number(facts.unit):  # read as it stands: a file without the tag says the same
        scales.append(1.0)
    wrong = []
    if not any(isclose(scale, one, rel_tol=SAME) for one in scales):
        wrong.append(f"expected scale {scales[0]:g}, came {scale:g}")
    if not isclose(offset, expected_offset, rel_tol=SAME):
        wrong.append(f"expected offset {expected_offset:g}, came {offset:g}")
    return wrong


def _fill(facts: LayerFacts, fill: float | None) -> list[str]:
    if facts.fill is None or (fill is not None and isclose(fill, facts.fill, rel_tol=SAME)):
        return []
    return [f"expected fill {facts.fill:g}, came {'none' if fill is None else format(fill, 'g')}"]


def _unit(facts: LayerFacts, told: str) -> list[str]:
    """A file that tells no unit cannot contradict; one that says "mm" leaves the time out."""
    if facts.quantity is None or not told or not is_unit(told):
        return []
    quantity = catalogue()[facts.quantity]
    expected = conversion(facts.unit, quantity, "registry")
    for text in (told, f"{told} {facts.unit.partition(' ')[2]}".strip()):
        try:
            if conversion(text, quantity, "file") == expected:
                return []
        except UnitError:
            continue
    return [f"expected the unit {facts.unit}, came {told}"]


def _is_number(text: str) -> bool:
    try:
        float(text)
    except ValueError:
        return False
    return True
