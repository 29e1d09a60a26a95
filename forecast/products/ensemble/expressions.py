"""Events written as text: `t2m < 273.15 and tp24 > 5`."""

import re

import xarray as xr

from data_catalog.errors import ConfigurationError
from data_catalog.suggestions import did_you_mean
from forecast.products.ensemble.events import all_of, any_of, event
from forecast.system.operators import Operator

_COMPARISON = re.compile(r"\s*(?P<name>[A-Za-z]\w*)?\s*(?P<operator>>=|<=|>|<)\s*(?P<threshold>[-+.\w]+)\s*")


def event_of(fields: xr.Dataset | xr.DataArray, text: str) -> xr.DataArray:
    """Whether an event that is written as text happens in each member at each point.

    Args:
        fields: Ensemble, of one field or of several by name; NumPy or Dask inside.
        text: Comparisons of fields with numbers, in their units, joined by `and` and `or`, of which `and` binds closer:
            `t2m < 273.15 and tp24 > 5`. The name may be left out where there is one field: `> 5`.

    Returns:
        Float32, dims of the fields: 1 where it happens, 0 where not, NaN where that is unknown. Joined in each
        member, so that the dependence of fields is kept.

    Raises:
        ConfigurationError: The text is not of this form, or names a field that is not there.
        InvalidDataError: The fields do not lie on the same points.
    """
    any_parts = [
        all_of(*(_compared(fields, comparison) for comparison in re.split(r"\band\b", part)))
        for part in re.split(r"\bor\b", text)
    ]
    return any_of(*any_parts)


def _compared(fields: xr.Dataset | xr.DataArray, text: str) -> xr.DataArray:
    found = _COMPARISON.fullmatch(text)
    if found is None:
        raise ConfigurationError(f"event: expected a comparison such as 't2m < 273.15', found '{text.strip()}'")
    try:
        threshold = float(found["threshold"])
    except ValueError:
        raise ConfigurationError(
            f"event: expected a number after '{found['operator']}', found '{found['threshold']}'"
        ) from None
    operator: Operator = found["operator"]  # type: ignore[assignment]  # the pattern allows no other
    return event(_field(fields, found["name"]), operator, threshold)


def _field(fields: xr.Dataset | xr.DataArray, name: str | None) -> xr.DataArray:
    known = [str(fields.name)] if isinstance(fields, xr.DataArray) else [str(each) for each in fields.data_vars]
    if name is not None and name not in known:
        raise ConfigurationError(
            f"event: expected one of {', '.join(known)}, found '{name}'{did_you_mean(name, known)}"
        )
    if name is None and len(known) > 1:
        raise ConfigurationError(
            f"event: expected the name of one of {', '.join(known)} before the comparison, found none"
        )
    return fields if isinstance(fields, xr.DataArray) else fields[name or known[0]]
