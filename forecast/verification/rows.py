"""Functions of rows of points, applied block by block: whole fields in memory, and chunks of Dask alike."""

from collections.abc import Callable, Mapping, Sequence
from functools import partial
from typing import Any

import numpy as np
import xarray as xr
from numpy.typing import NDArray

from forecast.verification.checks import Dims
from forecast.verification.variables import expanded

RowFunction = Callable[..., NDArray[np.float64]]


def over_rows(
    function: RowFunction, fields: Sequence[xr.Variable], reduce: Dims, own: Mapping[str, int]
) -> xr.Variable:
    """Results of a function for each row of points, block by block.

    Args:
        function: Function of as many matrices (row, point) as there are fields, a row being the points of a block that
            differ along `reduce` alone; returns an array (row, dimensions of `own`).
        fields: On the dimensions of the first; the chunks of the first are the blocks.
        reduce: Names of the dimensions that a row lies along.
        own: Dimensions of the results, with their sizes.

    Returns:
        Along the dimensions of the first field, those of `reduce` having an entry a block, and then those of `own`.
    """
    first = fields[0]
    sizes = tuple(own.values())
    axes = tuple(first.get_axis_num(dim) for dim in reduce)
    whole = [expanded(field, first.sizes) for field in fields]
    block = partial(_rows_of_block, function=function, axes=axes)
    if first.chunks is None:
        return xr.Variable([*first.dims, *own], block(*(field.values for field in whole)))
    alike = [field.chunk(dict(zip(first.dims, first.chunks, strict=True))).data for field in whole]
    chunks = [(1,) * len(parts) if axis in axes else parts for axis, parts in enumerate(first.chunks)]
    added = list(range(first.ndim, first.ndim + len(sizes)))
    data = alike[0].map_blocks(
        block,
        *alike[1:],
        dtype=np.float64,
        chunks=(*chunks, *((size,) for size in sizes)),
        new_axis=added,
        meta=np.empty((0,) * (first.ndim + len(sizes))),
    )
    return xr.Variable([*first.dims, *own], data)


def _rows_of_block(*fields: NDArray[Any], function: RowFunction, axes: tuple[int, ...]) -> NDArray[np.float64]:
    shape = [1 if axis in axes else size for axis, size in enumerate(fields[0].shape)]
    last = tuple(range(fields[0].ndim - len(axes), fields[0].ndim))
    rows, points = int(np.prod(shape)), int(np.prod([fields[0].shape[axis] for axis in axes]))
    found = function(*(np.moveaxis(field, axes, last).reshape(rows, points) for field in fields))
    return found.reshape(*shape, *found.shape[1:])
