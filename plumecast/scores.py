"""Scores of runs and score archives as xarray datasets."""

from collections.abc import Collection, Mapping
from pathlib import Path
from typing import Any

import numpy as np
import xarray as xr

from data_catalog.errors import MissingDataError
from forecast.verification import open_score_archive
from pipelines.terminal.times import parse_end, parse_time
from pipelines.workspace.home import Home
from pipelines.workspace.home import home as find_home

_SCORES = ("crps", "rmse", "mae", "bias", "spread", "spread_skill")
_DIMS = ("forecaster", "channel", "lead_time")
_FACTS = ("system", "model_id", "members", "initialisations")


def open_scores(
    scores: str | Path,
    *,
    home: str | Path | None = None,
    start: str | None = None,
    end: str | None = None,
    forecasters: Collection[str] | None = None,
) -> xr.Dataset:
    """Open a score archive, which holds the sums that every scored cycle of a system contributes to each score.

    Sums can be added exactly. To score many cycles, add their sums and let `scores_of` turn the result into scores:

        sums = plumecast.open_scores("speedy-5p6")["sums"].sum("init_time", min_count=1)
        plumecast.verification.scores_of(sums)["crps"].sel(channel="z500", region="global")

    (`min_count=1` keeps values NaN that no cycle has, such as the fair CRPS of a single forecast.)

    Args:
        scores: Name of a system whose scores are archived in `home`, or the directory of a score archive.
        home: Directory that holds `scores/`; None for PLUMECAST_HOME, or else ./plumecast-data.
        start: First init time wanted, ISO 8601, UTC.
        end: Last init time wanted, ISO 8601, UTC; a bare day counts whole.
        forecasters: Names of forecasters, such as `plumecast` or `linear`; None for all. If the archive holds
            several versions of a forecaster, their names end with `@` and a hash, such as `linear@9ec0cc56`.

    Returns:
        Variable `sums` (float64), dims (init_time, forecaster, channel, lead_time, region, statistic). Statistics are
        the weight and weighted sums of what scores are made of, and a rank histogram. NaN where a cycle was not scored.

    Raises:
        ConfigurationError: `start` or `end` is not a time.
        MissingDataError: There is no such score archive.
        InvalidDataError: It holds none of the requested cycles, or one of its files is damaged.
    """
    return open_score_archive(
        _find_archive(scores, find_home(None if home is None else Path(home))),
        start=None if start is None else parse_time(start, "start"),
        end=None if end is None else parse_end(end, "end"),
        forecasters=forecasters,
    )


def _find_archive(scores: str | Path, home: Home) -> Path:
    for path in (home.score_archive(str(scores)), Path(scores).expanduser()):
        if path.is_dir():
            return path
    raise MissingDataError(
        f"score archive '{scores}': expected a directory, there or in {home.root / 'scores'}, found none; "
        "'plumecast verify' makes one"
    )


def scores_dataset(evaluation: Mapping[str, Any]) -> xr.Dataset:
    """Turn an evaluation, as stored in `scores.json`, into a dataset.

    Args:
        evaluation: Content of the JSON: `scores` by forecaster, channel, score and lead hour, and further facts.

    Returns:
        One variable per score, dims (forecaster, channel, lead_time); NaN where a score is undefined. The attributes
        name system and model, and the numbers of members and init times.
    """
    tables = evaluation["scores"]
    channels = list(dict.fromkeys(name for table in tables.values() for name in table))
    hours = sorted({int(lead) for table in tables.values() for score in table.values() for lead in score["crps"]})

    def values(score: str) -> list[list[list[float | None]]]:
        return [
            [[table.get(name, {}).get(score, {}).get(str(lead)) for lead in hours] for name in channels]
            for table in tables.values()
        ]

    return xr.Dataset(
        {score: (_DIMS, np.array(values(score), dtype=np.float64)) for score in _SCORES},
        coords={
            "forecaster": list(tables),
            "channel": channels,
            "lead_time": np.array(hours, "timedelta64[h]").astype("timedelta64[ns]"),
        },
        attrs={fact: evaluation[fact] for fact in _FACTS if fact in evaluation},
    )
