from forecast.products.page.score_tables import score_tables

SCORES = {
    "plumecast": {
        "z500": {
            "crps": {"24": 98.0665, "48": 200.0},
            "rmse": {"24": 200.0, "48": 400.0},
            "spread": {"24": 190.0, "48": 390.0},
            "spread_skill": {"24": 0.95, "48": None},
            "rank_histogram": {"24": [3, 2, 2, 2, 3], "48": [2, 2, 2, 2, 2]},
        }
    },
    "persistence": {"z500": {"crps": {"24": None, "48": None}, "rmse": {"24": 500.0, "48": 100.0}}},
    "climatology": {"z500": {"crps": {"24": 500.0, "48": 150.0}, "rmse": {"24": 900.0, "48": 900.0}}},
}


def test_score_tables_mark_the_smallest_and_keep_undefined_scores_out():
    (table,) = score_tables(SCORES, ["z500", "tp24"])
    assert table.leads == ("1 d", "2 d")
    groups = dict(table.groups)
    crps = {row.forecaster: row for row in groups["fair CRPS"]}
    assert list(crps) == ["Plumecast", "Climatology"]
    assert crps["Plumecast"].values == ("1.00", "2.04")
    assert crps["Plumecast"].best == (True, False)
    assert crps["Climatology"].best == (False, True)
    assert {row.forecaster for row in groups["RMSE of the ensemble mean"]} == {
        "Plumecast",
        "Climatology",
        "Persistence",
    }
    assert table.spread_skill == ("0.95", "–")
    assert score_tables({}, ["z500"]) == []
