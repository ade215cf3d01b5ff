"""Names for the array types of the deciding core."""

from typing import Any

import numpy as np
import numpy.typing as npt

IntArray = npt.NDArray[np.int64]
FloatArray = npt.NDArray[np.float64]
BoolArray = npt.NDArray[np.bool_]
ObjectArray = npt.NDArray[np.object_]
AnyArray = npt.NDArray[Any]


def object_array(values: list[Any]) -> ObjectArray:
    """Return a one-dimensional array of these objects, whatever they are."""
    return np.fromiter(values, dtype=np.object_, count=len(values))
