"""The built-in table of variables: units, CF names, limits and the spellings of sources.

Short names are those of ECMWF. Sources: ECMWF parameter database; CF standard name table 86; ERA5 data documentation
"""

from data_catalog.layout.quantities import Variable


def _precipitation(hours: int, highest: float) -> Variable:
    """Precipitation over some hours. A bare `tp` says nothing about the hours that it covers: it is none of these."""
    long_name = f"precipitation over the {hours} h before"
    padded = () if hours >= 10 else (f"tp{hours:02d}",)
    names = (f"total_precipitation_{hours}hr", f"tp{hours}h", *padded)
    return Variable(
        f"tp{hours}", long_name, "precipitation_amount", "kg m-2", (-0.1, highest), names, "time: sum",
        minimum=0.0, regional_constant=0.0, accumulation_hours=hours,
    )  # fmt: skip


def _soil_water(layer: int) -> Variable:
    return Variable(
        f"swvl{layer}", f"volumetric soil water in layer {layer}", "volume_fraction_of_condensed_water_in_soil",
        "m3 m-3", (-0.05, 1.0), (f"volumetric_soil_water_layer_{layer}",),
        minimum=0.0, regional_constant=0.0, missing_allowed=True,
    )  # fmt: skip


TABLE = (
    Variable(
        "z", "geopotential", "geopotential", "m2 s-2", (-15e3, 6e5),
        ("geopotential", "hgt", "gh", "zg", "HGT", "geopotential_height"), on_levels=True,
    ),
    Variable(
        "t", "air temperature", "air_temperature", "K", (140.0, 350.0),
        ("temperature", "air", "ta", "T", "TMP"), on_levels=True,
    ),
    Variable(
        "u", "eastward wind", "eastward_wind", "m s-1", (-200.0, 200.0),
        ("u_component_of_wind", "uwnd", "ua", "U"), on_levels=True, polar_sign=-1,
    ),
    Variable(
        "v", "northward wind", "northward_wind", "m s-1", (-200.0, 200.0),
        ("v_component_of_wind", "vwnd", "va", "V"), on_levels=True, polar_sign=-1,
    ),
    Variable(
        "w", "vertical velocity in pressure", "lagrangian_tendency_of_air_pressure", "Pa s-1", (-60.0, 60.0),
        ("vertical_velocity", "omega", "wap"), on_levels=True,
    ),
    Variable(
        # Spectral models leave traces below zero.
        "q", "specific humidity", "specific_humidity", "kg kg-1", (-1e-3, 0.06),
        ("specific_humidity", "shum", "hus", "Q"), on_levels=True, minimum=0.0,
    ),
    Variable(
        "r", "relative humidity", "relative_humidity", "%", (-30.0, 200.0),
        ("relative_humidity", "rhum", "hur", "rh", "RH"), on_levels=True,
    ),
    Variable(
        "msl", "mean sea level pressure", "air_pressure_at_mean_sea_level", "Pa", (85e3, 112e3),
        (
            "mean_sea_level_pressure", "mslp", "slp", "psl", "prmsl", "pressure_msl",
            "pressure_reduced_to_mean_sea_level",
        ),
    ),
    Variable(
        "sp", "surface pressure", "surface_air_pressure", "Pa", (35e3, 112e3),
        ("surface_pressure", "ps", "pres_sfc", "pressure_surface"),
    ),
    Variable(
        "t2m", "2 m temperature", "air_temperature", "K", (170.0, 340.0),
        ("2m_temperature", "2t", "tas", "T2M", "air_2m", "temperature_2m"),
    ),
    Variable(
        "d2m", "2 m dewpoint temperature", "dew_point_temperature", "K", (150.0, 320.0),
        ("2m_dewpoint_temperature", "2d", "tdps", "dew_point_temperature_2m"),
    ),
    Variable(
        "u10", "10 m eastward wind", "eastward_wind", "m s-1", (-110.0, 110.0),
        ("10m_u_component_of_wind", "10u", "uas", "U10", "u10m", "wind_u_10m"), polar_sign=-1,
    ),
    Variable(
        "v10", "10 m northward wind", "northward_wind", "m s-1", (-110.0, 110.0),
        ("10m_v_component_of_wind", "10v", "vas", "V10", "v10m", "wind_v_10m"), polar_sign=-1,
    ),
    Variable(
        "u100", "100 m eastward wind", "eastward_wind", "m s-1", (-140.0, 140.0),
        ("100m_u_component_of_wind", "100u", "u100m", "wind_u_100m"), polar_sign=-1,
    ),
    Variable(
        "v100", "100 m northward wind", "northward_wind", "m s-1", (-140.0, 140.0),
        ("100m_v_component_of_wind", "100v", "v100m", "wind_v_100m"), polar_sign=-1,
    ),
    Variable(
        "i10fg", "10 m wind gust", "wind_speed_of_gust", "m s-1", (-0.5, 150.0),
        ("instantaneous_10m_wind_gust", "gust", "GUST", "wind_gust_surface"), minimum=0.0,
    ),
    Variable(
        "fg10", "highest 10 m wind gust", "wind_speed_of_gust", "m s-1", (-0.5, 150.0),
        ("10m_wind_gust_since_previous_post_processing", "10fg"), "time: maximum", minimum=0.0,
    ),
    Variable(
        "si10", "10 m wind speed", "wind_speed", "m s-1", (-0.5, 120.0),
        ("10m_wind_speed", "10si", "sfcWind", "ws10"), minimum=0.0,
    ),
    Variable(
        "sst", "sea surface temperature", "sea_surface_temperature", "K", (268.0, 315.0),
        ("sea_surface_temperature", "tos"), missing_allowed=True,
    ),
    *(_precipitation(hours, highest) for hours, highest in ((1, 500.0), (3, 700.0), (6, 1000.0), (12, 1500.0))),
    _precipitation(24, 2500.0),
    Variable(
        "tcwv", "total column water vapour", "atmosphere_mass_content_of_water_vapor", "kg m-2", (-1.0, 150.0),
        ("total_column_water_vapour", "prw", "pwat", "PWAT", "precipitable_water_atmosphere"), minimum=0.0,
    ),
    Variable(
        "tcc", "total cloud cover", "cloud_area_fraction", "1", (-0.01, 1.01),
        ("total_cloud_cover", "clt", "tcdc", "TCDC"), minimum=0.0, regional_constant=0.0,
    ),
    Variable(
        "cape", "convective available potential energy", "atmosphere_convective_available_potential_energy", "J kg-1",
        (-1.0, 20e3), ("convective_available_potential_energy", "CAPE"), minimum=0.0, regional_constant=0.0,
    ),
    Variable(
        # Over the hours before the valid time that the source sums over; a dataset file may say how many.
        "ssrd", "surface solar radiation downwards", "integral_wrt_time_of_surface_downwelling_shortwave_flux_in_air",
        "J m-2", (-1e4, 1.3e8), ("surface_solar_radiation_downwards",), "time: sum", minimum=0.0, regional_constant=0.0,
    ),
    Variable(
        "siconc", "sea ice area fraction", "sea_ice_area_fraction", "1", (-0.01, 1.01),
        ("sea_ice_cover", "ci", "icec", "ICEC"), minimum=0.0, regional_constant=0.0, missing_allowed=True,
    ),
    *(_soil_water(layer) for layer in (1, 2, 3, 4)),
    Variable(
        "skt", "skin temperature", "surface_temperature", "K", (150.0, 360.0), ("skin_temperature",),
    ),
    Variable(
        "tsig995", "air temperature at sigma level 0.995", "air_temperature", "K", (150.0, 350.0),
        ("air_temperature_at_sigma_level_0995", "air"), described_as="sigma level 995",
    ),
    Variable(
        "orography", "height of the model's surface", "surface_altitude", "m", (-1000.0, 9000.0),
        ("geopotential_at_surface", "surface_geopotential", "orog", "hsurf"), static=True, regional_constant=0.0,
    ),
    Variable(
        "lsm", "land fraction", "land_area_fraction", "1", (-0.01, 1.01),
        ("land_sea_mask", "lsmask", "land", "sftlf"), static=True, regional_constant=0.0,
    ),
)  # fmt: skip
