"""A published run scored."""

from forecast.products.files.forecast_reading import open_forecast
from forecast.products.files.manifest import Manifest
from forecast.products.files.runs import RunDirectory
from forecast.system.system import System
from pipelines.scoring.baselines import FittedBaselines, baseline_forecasts
from pipelines.scoring.forecasters import model_forecaster
from pipelines.scoring.scorer import Scorer, UnkeptCycle, scored_cycle
from pipelines.workspace.analyses import scalar


def score_run(
    run: RunDirectory, manifest: Manifest, system: System, scorer: Scorer, baselines: FittedBaselines | None = None
) -> UnkeptCycle:
    """Score a run and its baselines, and leave the score archive as it is.

    Args:
        run: The published run.
        manifest: Its manifest, which was proven.
        system: Says which baselines.
        scorer: What the run is scored against.
        baselines: Those of the system, if there are any.

    Returns:
        Scores of the run and of each baseline, not in the archive yet.

    Raises:
        MissingDataError: The analysis does not reach the valid times yet.
        InvalidDataError: A value cannot be read.
    """
    with open_forecast(run.path) as forecast:
        init_time, leads = scalar(forecast["init_time"]), forecast["lead_time"].values
        members = forecast["member"].values.tolist()
        model = model_forecaster(
            system,
            members,
            model_id=manifest.model_id,
            system_hash=manifest.system_hash,
            data_hash=manifest.data_hash,
            step_hours=manifest.delivered.lead_hours[0],
        )
        cycle = scorer.cycle(init_time, list(map(str, forecast.data_vars)), leads)
        unkept = {model.name: cycle.unkept(model, forecast)}
        if baselines is not None:
            planned = baseline_forecasts(baselines, system, scorer.analysis, init_time, leads, len(members))
            unkept |= {each.forecaster.name: cycle.unkept(each.forecaster, each.make()) for each in planned}
        scored = scored_cycle(
            run.system_name,
            forecast,
            {name: each.sums for name, each in unkept.items()},
            model_id=manifest.model_id,
            system_hash=manifest.system_hash,
            scored_points=cycle.scored_points,
        )
        return UnkeptCycle(scored, tuple(unkept.values()))
