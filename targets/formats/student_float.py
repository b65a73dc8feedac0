"""Student Float: levels at equally likely quantiles of Student's t, and the degrees of freedom that fit a tensor.

Source: Dotzel et al. 2024, "Learning from Students: Applying t-Distributions to Explore Accurate and Efficient Formats
for LLMs" (arXiv 2405.03103), algorithm 1; with nu = infinity it is NormalFloat of Dettmers et al. 2023, "QLoRA" (arXiv
2305.14314). Different from both: any width, with tails cut according to the width; the published SF3 cuts them as for
4 bits, which `tail_bits=4` gives.
"""

from __future__ import annotations

import math

import numpy as np
from scipy.special import gammaln, ndtri, stdtrit

from spaces.base import FloatArray
from targets.formats.base import Floats

# Beyond it Student's t cannot be told from the normal distribution by any tensor that there is.
MAX_NU = 200.0
_MIN_NU = 0.5
_MAX_VALUES = 200_000


def student_float(bits: int, nu: float = 5.0, *, tail_bits: int | None = None) -> FloatArray:
    """(2^bits,) levels, ascending from -1 to 1, with 0 among them.

    Args:
        bits: at least 2.
        nu: degrees of freedom; infinity for the normal distribution.
        tail_bits: width whose tail probability delta = (1/2^(b+1) + 1/(2^(b+1) - 2)) / 2 bounds the quantiles.

    Raises: ValueError for too few bits or degrees of freedom that are not positive.
    """
    if bits < 2 or not nu > 0:
        raise ValueError(f"Student Float needs at least 2 bits and nu above 0, got {bits} bits and nu {nu}")
    codes = 2 ** ((tail_bits or bits) + 1)
    delta = (1 / codes + 1 / (codes - 2)) / 2
    half = 2 ** (bits - 1)
    probabilities = np.concatenate([np.linspace(delta, 0.5, half), np.linspace(0.5, 1 - delta, half + 1)[1:]])
    quantiles = ndtri(probabilities) if math.isinf(nu) else stdtrit(nu, probabilities)
    levels = np.asarray(quantiles / np.abs(quantiles).max(), dtype=np.float64)
    levels[[0, half - 1, -1]] = -1.0, 0.0, 1.0  # where rounding left them a hair off
    return levels


def normal_float(bits: int) -> FloatArray:
    """(2^bits,) levels of NormalFloat."""
    return student_float(bits, math.inf)


def fit_nu(values: Floats) -> float:
    """Degrees of freedom of the t-distribution around 0 that most likely made the values, at most `MAX_NU`.

    The scale is fitted along with it. Large tensors are thinned to every k-th value.

    Raises: ValueError for fewer than two values other than 0.
    """
    from scipy.optimize import minimize_scalar  # slow to import, and every hardware description knows formats

    flat = np.asarray(values, dtype=np.float64).ravel()
    flat = flat[:: max(1, flat.size // _MAX_VALUES)]
    if np.count_nonzero(flat) < 2:
        raise ValueError("a distribution cannot be fitted to fewer than two values other than 0")
    squares = np.square(flat / flat.std())
    found = minimize_scalar(
        lambda log_nu: _deviance(squares, math.exp(log_nu)),
        bounds=(math.log(_MIN_NU), math.log(MAX_NU)),
        method="bounded",
        options={"xatol": 1e-3},
    )
    return float(math.exp(found.x))


def _deviance(squares: FloatArray, nu: float) -> float:
    """Mean negative log-likelihood at the best scale, which weighted means find (expectation maximisation)."""
    variance = float(squares.mean())
    for _ in range(200):
        weights = (nu + 1) / (nu + squares / variance)
        updated = float((weights * squares).mean())
        if abs(updated - variance) <= 1e-6 * variance:
            break
        variance = updated
    log_density = gammaln((nu + 1) / 2) - gammaln(nu / 2) - 0.5 * math.log(nu * math.pi * variance)
    return float((nu + 1) / 2 * np.log1p(squares / (nu * variance)).mean() - log_density)
