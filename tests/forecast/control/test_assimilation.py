"""Cycled analyses come nearer to the observed weather than members without observations."""

import numpy as np
import torch

from forecast.control.assimilation import Analysed, Filter, assimilate, update
from forecast.control.conditions import Place
from forecast.control.operators import Observer
from forecast.control.point_observations import PointObservations

START = np.datetime64("2001-12-10", "ns")
DAY = np.timedelta64(1, "D")


def observations(checkpoint, analysis, time: np.datetime64, error: float = 50.0) -> PointObservations:
    generator = np.random.default_rng(0)
    latitude, longitude = generator.uniform(-60, 60, 40), generator.uniform(0, 360, 40)
    places = [Place(south, south, west, west) for south, west in zip(latitude, longitude, strict=True)]
    state = checkpoint.standardiser.to_tensor(analysis.sel(time=[time]))
    values = Observer(checkpoint.standardiser, checkpoint.grid, time, ["z500"] * 40, places)(state)[0].numpy()
    channel = np.array(["z500"] * 40)
    return PointObservations(np.full(40, time), latitude, longitude, channel, values, np.full(40, error))


def start(checkpoint, analysis, members: int = 19) -> Analysed:
    days = [analysis.isel(time=slice(20 * number, 20 * number + 2)) for number in range(members)]
    states = torch.stack([checkpoint.standardiser.to_tensor(each) for each in days])
    return Analysed(START, states, states, 0)


def test_observations_draw_the_ensemble_to_the_weather(checkpoint, system, analysis) -> None:
    time = START + DAY
    begin, seen = start(checkpoint, analysis), observations(checkpoint, analysis, time)
    (made,) = assimilate(checkpoint, system, begin, seen, 1, Filter(half_width_km=3000.0, relaxation=0.0))
    true = checkpoint.standardiser.to_tensor(analysis.sel(time=[time]))[0]
    before, after = (((each.mean(0) - true)[0] ** 2).mean() for each in (made.background[:, -1], made.analysis))
    assert (made.time, made.observations) == (time, 40)
    assert float(after) < 0.7 * float(before)
    assert float(made.analysis[:, 0].std(0).mean()) < float(made.background[:, -1, 0].std(0).mean())
    assert not torch.equal(made.states[:, 0], made.background[:, 0])  # the state before is updated, too
    rain = checkpoint.standardiser.to_fields(made.analysis, time)["tp24"]
    assert rain.min() >= 0


def test_without_observations_members_stay_as_forecast(checkpoint, analysis) -> None:
    begin = start(checkpoint, analysis, 4)
    none = observations(checkpoint, analysis, START).at(START + DAY)
    made = update(checkpoint, begin.states, none, START, Filter())
    assert made.observations == 0
    assert torch.equal(made.states, begin.states)
