"""The summary that `plumecast demo` prints at the end."""

import numpy as np

from data_catalog.layout.times import iso
from forecast.products.files.runs import RunDirectory
from forecast.verification.evaluation_report import read_evaluation
from pipelines.flows.demo_system import DemoResult, shipped_system
from pipelines.scoring.tables import print_scores


def print_summary(result: DemoResult) -> None:
    """Print the scores of a demonstration, and where its runs are."""
    evaluation = read_evaluation(result.scores).of_channels(shipped_system().products.map_channels)
    print_scores(evaluation, [24, 72, 120, 240])
    print("Simulated weather (SPEEDY): skill here is not skill on the real atmosphere.")
    if result.trained:
        print(
            "This network was trained here within minutes on ten months of data. The shipped networks were trained for"
            " three hours on seven years: run 'plumecast demo' without --train to compare."
        )
    for path in result.runs:
        run = RunDirectory.at(path)
        print(f"\nForecast from {iso(np.datetime64(run.init_time))}")
        print(f"  page    {run.report}")
        print(f"  members {run.forecast}")
    print(f"\nScores: {result.scores}")
