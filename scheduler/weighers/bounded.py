"""Maps of raw scores to 0..1 that look at one host alone, for ``weight_normalization = bounded``.

All of them rise with the score, so that a multiplier means the same in either mode.
"""

import numpy as np

from scheduler.hosts.arrays import FloatArray


def rising(counts: FloatArray) -> FloatArray:
    """Return n / (1 + n) of counts from 0: 0 for none, 1/2 for one, towards 1 for many."""
    return counts / (1.0 + counts)


def falling(counts: FloatArray) -> FloatArray:
    """Return 1 / (1 + n) of counts from 0: 1 for none, 1/2 for one, towards 0 for many."""
    return 1.0 / (1.0 + counts)


def either_sign(scores: FloatArray) -> FloatArray:
    """Return (1 + x / (1 + |x|)) / 2 of scores of either sign: 1/2 for 0, towards 1 and 0 for large ones."""
    return (1.0 + scores / (1.0 + np.abs(scores))) / 2.0


def share(part: FloatArray, whole: FloatArray) -> FloatArray:
    """Return part / whole between 0 and 1, and 0 where there is no whole."""
    return np.clip(part / np.where(whole > 0, whole, np.inf), 0.0, 1.0)
