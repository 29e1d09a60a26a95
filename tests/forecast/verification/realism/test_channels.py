"""Which gates the channels of a system allow."""

from forecast.verification.realism.channels import Layer, geostrophic_levels, layers, wind_levels


def test_levels_with_both_winds() -> None:
    names = ["u850", "v850", "u250", "u10", "v10", "t850"]
    assert wind_levels(names) == {"850": ("u850", "v850"), "10": ("u10", "v10")}


def test_levels_with_geopotential_and_winds() -> None:
    names = ["z500", "u500", "v500", "u850", "v850", "u10", "v10", "z10"]
    assert geostrophic_levels(names) == {"500": ("z500", "u500", "v500")}


def test_layers() -> None:
    assert layers(["z500", "t850", "msl"]) == [Layer("msl", "z500", "t850")]
    assert layers(["z1000", "z700", "z500", "t850", "t600", "msl"]) == [
        Layer("z1000", "z700", "t850"),
        Layer("z700", "z500", "t600"),
    ]
    assert layers(["z500", "msl", "t2m", "t250"]) == []
    assert Layer("msl", "z500", "t850").name == "msl-z500 and t850"
