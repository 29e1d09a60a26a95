"""Arguments of scores as users of xarray spell them, brought to the one form that scores work with.

`aligned` stands before every score. It finds the members' dimension and the dimensions to average over, puts whatever
is given beside the forecast on its grid, and scores a Dataset variable by variable.
"""

import inspect
from collections.abc import Callable, Collection, Hashable, Iterable, Mapping
from functools import wraps
from itertools import combinations
from types import EllipsisType
from typing import Any, Literal, ParamSpec, TypeVar, cast

import numpy as np
import xarray as xr

from forecast.verification.checks import (
    Dims,
    UnscorableError,
    check_positive,
    grid_dimensions,
    member_dimension,
    on_grid,
    paired,
)
from forecast.verification.datasets import joined_variables
from forecast.verification.set_aside import with_places, without_places
from forecast.verification.thresholds import comparison_precision, limits

P = ParamSpec("P")
R = TypeVar("R")
ALIASES = {
    "thresholds": "threshold",
    "dims": "reduce",
    "dim": "reduce",
    "reduce_dims": "reduce",
    "preserve_dims": "preserve",
}
"""Other words for the keywords of scores, those of earlier releases and of other libraries; taken where a score has no
keyword of that name itself."""
Members = Literal["needed", "optional", "none"]
"""What a score's forecast has beyond the dimensions of its analysis."""
ONE = "_one"
"""Dimension that a forecast without members has while it is aligned."""
LIMITS = ("threshold", "lower", "upper", "dry_threshold", "heavy_threshold")
"""Arguments that fields are compared with, in their own precision."""
WEIGHTS = ("weights", "norm_weights", "member_weights")
FIELDS = ("weights", "norm_weights", "climatology", "dry_fraction", "heavy_threshold", "mask")
"""Arguments by point, which may be numbers or NumPy arrays whose dimensions are plain from their sizes."""
NUMBERS = ("quantiles", "edges", "cost_loss_ratios", "window", "threshold_weights")
"""Lists of numbers, whatever holds them."""
MANY = (*LIMITS, "weights")
"""Arguments whose further dimensions become dimensions of the score."""


def aligned(
    *,
    whole_fields: bool = False,
    ensembles: Collection[str] = (),
    many: Collection[str] = MANY,
    members: Members = "needed",
    along: str = "member_dim",
) -> Callable[[Callable[P, R]], Callable[P, R]]:
    """Let a score take its arguments as users spell them, and refuse in one line what does not fit.

    The score itself gets: `forecast` and `analysis` from `paired`; the name `member_dim`; `reduce` and `dims` as
    tuples, `reduce` being all but `preserve` where that is given; thresholds as DataArrays in the precision of the
    fields; and every other DataArray from `on_grid`. Given Datasets, it is called for each variable: scores become a
    Dataset, and Datasets are put along `variable`.

    Args:
        whole_fields: The score is one of whole fields on latitude and longitude, which `reduce="all"` leaves out.
        ensembles: Names of further arguments that have members, such as another forecast.
        many: Names of arguments whose further dimensions become dimensions of the score.
        members: What the forecast has beyond the dimensions of the analysis. `"needed"`: members; `"optional"`: members
            or nothing, which is then one member that is scored as it is (`fair` is False); `"none"`: nothing.
        along: Name of the argument that names the members' dimension, or what takes its place, such as quantiles.

    Returns:
        Decorator of a score, whose first two arguments are `forecast` and `analysis`.
    """

    def decorated(score: Callable[P, R]) -> Callable[P, R]:
        signature = inspect.signature(score)

        @wraps(score)
        def call(*args: P.args, **options: P.kwargs) -> R:
            given = _bound(signature, args, options)
            if isinstance(given["forecast"], xr.Dataset):
                return cast(R, _by_variable(call, given))
            _check_types(given, signature)
            given, added = _with_one_member(given, members, along)
            found = _aligned(given, whole_fields, ensembles, many, along)
            bare, forecast, member_dim = found, found["forecast"], found[along]
            if not whole_fields:
                bare = without_places(found, member_dim)
            if members == "none":
                bare["forecast"] = bare["forecast"].isel({added: 0}, drop=True)
                bare.pop(along)
            result: Any = score(**bare)  # type: ignore[call-arg]
            return cast(R, result if whole_fields else with_places(result, forecast, member_dim))

        return call

    return decorated


def _bound(signature: inspect.Signature, args: tuple[Any, ...], options: Mapping[str, Any]) -> dict[str, Any]:
    """Arguments by the names that the score has for them."""
    named = dict(options)
    for word, ours in ALIASES.items():
        if word in named and word not in signature.parameters and ours in signature.parameters:
            if ours in named:
                raise UnscorableError(f"{ours}: expected it once, found it as '{word}', too")
            named[ours] = named.pop(word)
    bound = signature.bind(*args, **named)
    bound.apply_defaults()
    return dict(bound.arguments)


def _check_types(given: Mapping[str, Any], signature: inspect.Signature) -> None:
    for role in ("forecast", "analysis"):
        value = given[role]
        if isinstance(value, xr.DataArray) or (value is None and signature.parameters[role].default is None):
            continue
        shape = f" of shape {value.shape}" if isinstance(value, np.ndarray) else ""
        raise UnscorableError(
            f"{role}: expected a DataArray with named dimensions, found {type(value).__name__}{shape}; "
            "name the dimensions: xarray.DataArray(values, dims=[...])"
        )
    for role, value in given.items():
        if isinstance(value, xr.Dataset):
            raise UnscorableError(f"{role}: expected a DataArray like the forecast, found a Dataset; choose a variable")


def _with_one_member(given: dict[str, Any], members: Members, along: str) -> tuple[dict[str, Any], str]:
    """A forecast without members as an ensemble of one, and the name of the dimension that was added, or ''."""
    forecast, analysis = given["forecast"], given["analysis"]
    alone = analysis is not None and given.get(along) is None and set(forecast.dims) == set(analysis.dims)
    if members == "none" and set(forecast.dims) != set(analysis.dims):
        name = str(forecast.name or "forecast")
        raise UnscorableError(
            f"{name}: expected a forecast on {list(analysis.dims)} as the analysis is, found {list(forecast.dims)}"
        )
    if members == "needed" or (members == "optional" and not alone):
        return given, ""
    added = "member" if members == "optional" and "member" not in forecast.dims else ONE
    plain = (forecast.drop_vars(added) if added in forecast.coords else forecast).expand_dims(added)
    fair = {"fair": False} if "fair" in given else {}
    return {**given, **fair, "forecast": plain, along: added}, added


def _aligned(
    given: dict[str, Any], whole_fields: bool, ensembles: Collection[str], many: Collection[str], along: str
) -> dict[str, Any]:
    forecast, analysis, member_dim = given["forecast"], given["analysis"], given.get(along)
    if member_dim is None:
        member_dim = member_dimension(forecast, analysis)
    if analysis is None:
        forecast, points = paired(forecast, _any_member(forecast, member_dim), member_dim)
    else:
        forecast, points = paired(forecast, analysis, member_dim)
        analysis = points
    found = {**given, "forecast": forecast, "analysis": analysis, along: member_dim}
    field: tuple[Hashable, ...] = grid_dimensions(points) if whole_fields or "dims" in given else ()
    if given.get("dims") is not None:
        field = _dimensions(given["dims"], points)
    if "dims" in given:
        found["dims"] = field
    if "periodic" in given:
        found["periodic"] = _dimensions(given["periodic"], points, field)
    if "reduce" in given:
        found["reduce"] = _reduced(given["reduce"], given.get("preserve"), points, field)
    wanted = (*found.get("reduce", ()), *field) or points.dims
    precision = comparison_precision(forecast, points)
    for role in given.keys() - {"forecast", "analysis", *NUMBERS}:
        array = given[role]
        if role in FIELDS and array is not None:
            array = _as_array(role, array, points, [dim for dim in points.dims if role != "weights" or dim in wanted])
        if role in LIMITS and array is not None:
            array = limits(role, array, precision)
        if isinstance(array, xr.DataArray):
            members = forecast if role == "member_weights" else points
            found[role] = _on_points(role, array, members, None if members is forecast else member_dim, ensembles, many)
    return _all_lazy(found)


def _all_lazy(given: dict[str, Any]) -> dict[str, Any]:
    """Forecast and analysis lazy where anything else is, so that a score need not look at each."""
    if given["forecast"].chunks is not None or not any(
        isinstance(value, xr.DataArray) and value.chunks is not None for value in given.values()
    ):
        return given
    analysis = given["analysis"]
    return {
        **given, "forecast": given["forecast"].chunk(), "analysis": analysis if analysis is None else analysis.chunk(),
    }  # fmt: skip


def _any_member(forecast: xr.DataArray, member_dim: Hashable) -> xr.DataArray:
    if member_dim not in forecast.dims or not forecast.sizes[member_dim]:
        return forecast
    return forecast.isel({member_dim: 0}, drop=True)


def _on_points(
    role: str,
    array: xr.DataArray,
    points: xr.DataArray,
    member_dim: Hashable,
    ensembles: Collection[str],
    many: Collection[str],
) -> xr.DataArray:
    if role in ensembles:
        return on_grid(role, array, points, own_dims=True)
    array = array.drop_vars([name for name in (member_dim,) if name in array.coords and name not in array.dims])
    if member_dim in array.dims:
        raise UnscorableError(f"{role}: expected dimensions among {list(points.dims)}, found '{member_dim}'")
    array = on_grid(role, array, points, own_dims=role in many)
    return check_positive(role, array) if role in WEIGHTS else array


def _reduced(reduce: Any, preserve: Any, points: xr.DataArray, field: Dims) -> tuple[Hashable, ...]:
    """Dimensions to average over, by either word."""
    others = tuple(dim for dim in points.dims if dim not in field)
    if preserve is None:
        return _dimensions(reduce, points, others)
    if _is_given(reduce):
        raise UnscorableError(f"preserve: expected it without reduce, found reduce={reduce!r}, too")
    kept = _dimensions(preserve, points, others)
    unknown = [dim for dim in kept if dim not in others]
    if unknown:
        raise UnscorableError(f"preserve: expected dimensions among {list(others)}, found {unknown}")
    return tuple(dim for dim in others if dim not in kept)


def _is_given(reduce: Any) -> bool:
    return isinstance(reduce, str | EllipsisType) or (isinstance(reduce, Collection) and len(reduce) > 0)


def _dimensions(given: Any, points: xr.DataArray, every: Iterable[Hashable] | None = None) -> tuple[Hashable, ...]:
    """Names of dimensions, each once, from a name, several, all (`"all"` or `...`), or None."""
    if given is None:
        return ()
    if isinstance(given, EllipsisType) or (given == "all" and "all" not in points.dims):
        return tuple(points.dims if every is None else every)
    if isinstance(given, Hashable) and not isinstance(given, Iterable):
        raise UnscorableError(f"reduce: expected names of dimensions among {list(points.dims)}, found {given!r}")
    return tuple(dict.fromkeys([given] if isinstance(given, str) else given))


def _as_array(role: str, value: Any, points: xr.DataArray, dims: Dims) -> xr.DataArray:
    """A number or a NumPy array with the dimensions of the points that it can only have."""
    if isinstance(value, xr.DataArray):
        return value
    array = np.asarray(value)
    if array.dtype.kind not in "fiub":
        raise UnscorableError(f"{role}: expected numbers by point, found {type(value).__name__}")
    ways = [way for way in combinations(dims, array.ndim) if tuple(points.sizes[dim] for dim in way) == array.shape]
    if len(ways) != 1:
        sizes = {str(dim): points.sizes[dim] for dim in dims}
        raise UnscorableError(
            f"{role}: expected the sizes of one choice of dimensions among {sizes}, found shape {array.shape}, which "
            f"fits {len(ways)}; name the dimensions: xarray.DataArray(values, dims=[...])"
        )
    return xr.DataArray(array, dims=ways[0])


def _by_variable(score: Callable[..., Any], given: dict[str, Any]) -> xr.Dataset:
    names = [str(name) for name in given["forecast"].data_vars]
    scores = {
        name: score(**{role: _variable(role, value, name, names) for role, value in given.items()}) for name in names
    }
    return joined_variables("forecast", scores)


def _variable(role: str, value: Any, name: str, names: list[str]) -> Any:
    if isinstance(value, xr.Dataset):
        if name not in value:
            found = sorted(map(str, value.data_vars))
            raise UnscorableError(f"{role}: expected variable '{name}' of the forecast, found {found}")
        return value[name]
    if role == "analysis" and value is not None and len(names) > 1:
        raise UnscorableError(f"analysis: expected a Dataset of {names}, found {type(value).__name__}")
    return value
