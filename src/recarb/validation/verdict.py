"""What a reader of a calibration has to know: findings, and the lines for run.toml."""

from pathlib import Path

import numpy as np

import recarb
from recarb.core.findings import Finding, Severity
from recarb.core.provenance import sha256_of
from recarb.validation.calibration import Calibration
from recarb.validation.choices import DECOMPOSITION, FACTORS, RATE, parameters_with
from recarb.validation.site_file import Site

LARGEST_COLLINEARITY = 10.0  # Brun et al. 2001: from 10 to 15 numbers are hardly told apart
BOUND_TOLERANCE = 1e-3  # of the range between the bounds


def findings(calibration: Calibration) -> list[Finding]:
    """What speaks against using the fitted numbers."""
    return [
        *_identifiability(calibration),
        *_bounds(calibration),
        *_skill(calibration),
    ]


def _identifiability(calibration: Calibration) -> list[Finding]:
    fit = calibration.fit
    if fit.collinearity <= LARGEST_COLLINEARITY:
        return []
    names = ", ".join(choice.name for choice in fit.choices)
    message = f"the measured stocks cannot tell these apart (collinearity {fit.collinearity:.3g})"
    if np.isfinite(fit.correlation).all() and len(fit.choices) > 1:
        apart = np.abs(np.triu(fit.correlation, 1))
        i, j = np.unravel_index(int(apart.argmax()), apart.shape)
        names = f"{fit.choices[i].name}, {fit.choices[j].name}"
        message += f"; their estimates correlate by {fit.correlation[i, j]:+.3f}"
    hint = "fit one of them, or bring measurements that differ in what they hold"
    return [Finding("not_identifiable", Severity.WARNING, names, message, hint)]


def _bounds(calibration: Calibration) -> list[Finding]:
    fit, found = calibration.fit, []
    for choice, value, low, high in zip(fit.choices, fit.values, fit.low, fit.high, strict=True):
        span = choice.high - choice.low
        if min(value - choice.low, choice.high - value) < BOUND_TOLERANCE * span:
            message = f"ends at its bound ({value:.4g}): the best value lies beyond, or nowhere"
            hint = "is the bound too narrow, or the model wrong for this soil?"
            found.append(Finding("at_bound", Severity.WARNING, choice.name, message, hint))
        if high - low > span:
            message = f"its 95 % interval ({low:.3g} to {high:.3g}) is wider than its bounds"
            hint = "the measurements say nothing of it; leave it at the published number"
            found.append(Finding("wide_interval", Severity.WARNING, choice.name, message, hint))
    return found


def _skill(calibration: Calibration) -> list[Finding]:
    if not calibration.folds:
        message = "no stock was left out: nothing says how the fit does on a soil it has not seen"
        hint = "bring another site, or more stocks"
        return [Finding("not_checked", Severity.WARNING, "fit", message, hint)]
    fitted, published = calibration.left_out_rmse, calibration.published_left_out_rmse
    if fitted < published:
        return []
    message = (
        f"on stocks it has not seen, RMSE is {fitted:.3g} t C ha-1; the published numbers give "
        f"{published:.3g}: the fit follows these stocks, not the soil"
    )
    hint = "do not use it; fit fewer numbers, or bring more sites"
    return [Finding("no_skill", Severity.WARNING, "fit", message, hint)]


def snippet(calibration: Calibration, sites: list[Site], found: list[Finding]) -> str:
    """Lines for run.toml: where the numbers come from, what speaks against them, the numbers."""
    fit = calibration.fit
    lines = [
        f"Fitted by recarb {recarb.__version__} to {len(fit.stocks.month)} measured stocks "
        f"of {len(sites)} site(s).",
        f"RMSE [t C ha-1]: published {calibration.published_rmse:.4g}, fitted "
        f"{calibration.fitted_rmse:.4g}; on stocks left out: published "
        f"{calibration.published_left_out_rmse:.4g}, fitted {calibration.left_out_rmse:.4g}.",
    ]
    for choice, value, low, high in zip(fit.choices, fit.values, fit.low, fit.high, strict=True):
        lines.append(
            f"{choice.name}: {value:.6g} (95 % {low:.4g} to {high:.4g}), published "
            f"{choice.published:g}, bounds {choice.low:g} to {choice.high:g}"
        )
        if choice.name in FACTORS and choice.name != RATE:
            lines.append("  no key of run.toml: a run finds its inputs from the mapped stock")
    lines += [f"{one.severity} {one.code}: {one.where}: {one.message}" for one in found]
    for site in sites:
        lines += [f"site {site.name}: {_hashed(path)}" for path in site.files]
    text = "".join(f"# {line}\n" for line in lines) + "\n[model.rothc]\n"
    return text + "".join(f"{name} = {value!r}\n" for name, value in _keys(calibration).items())


def _keys(calibration: Calibration) -> dict[str, float]:
    """Keys of [model.rothc] and their values."""
    values = calibration.fit.by_name()
    fitted = parameters_with(values)
    names = [name for name in values if name not in FACTORS]
    names += DECOMPOSITION if RATE in values else ()
    return {name: float(getattr(fitted, name)) for name in names}


def _hashed(path: Path) -> str:
    return f"{path.name} sha256 {sha256_of(path)}"
