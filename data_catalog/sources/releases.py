"""What a source says of times that are preliminary: they are replaced once it has the final ones.

A source adds the statement to the analysis that it opens; an ingest keeps it in the ledger of the archive, and takes
the final values of these times, and of no others, as corrections.
"""

import json

import numpy as np
import xarray as xr
from numpy.typing import NDArray

_ATTRIBUTE = "preliminary_times"


def with_preliminary(analysis: xr.Dataset, times: NDArray[np.datetime64]) -> xr.Dataset:
    """Return an analysis that carries which of its times are preliminary, the others being final.

    Args:
        analysis: In canonical layout.
        times: The preliminary times, ascending; may be none.
    """
    return analysis.assign_attrs({_ATTRIBUTE: json.dumps([str(time) for time in times.astype("datetime64[s]")])})


def preliminary_of(analysis: xr.Dataset) -> NDArray[np.datetime64] | None:
    """Return the times that the source of an analysis calls preliminary; None if it has no such releases.

    Args:
        analysis: In canonical layout.
    """
    said = analysis.attrs.get(_ATTRIBUTE)
    return None if said is None else np.array(json.loads(said), "datetime64[ns]")
