"""What `--help` shows beside the options: commands by what they are for, and examples of each."""

from collections.abc import Mapping
from typing import Any

from typer.core import TyperGroup

SECTIONS: Mapping[str, tuple[str, ...]] = {
    "Begin": ("demo", "doctor"),
    "Data": ("catalog", "new-dataset", "ingest", "archive", "fetch", "regrid", "climatology"),
    "Models": ("new-system", "train", "levels", "calibrate", "tune"),
    "Forecasts": ("forecast", "postprocess", "report", "explain", "check", "publish"),
    "Verification": ("verify", "evaluate", "scorecard", "realism"),
    "Cycles": (
        "cycle",
        "serve",
        "deploy",
        "worker",
        "backfill",
        "status",
        "hold",
        "release",
        "skip",
        "metrics",
        "clean",
    ),
    "Models in operation": ("models", "register", "shadow", "promote", "rollback"),
}
"""Names of commands by section."""
EXAMPLES: Mapping[str, tuple[str, ...]] = {
    "demo": ("demo", "demo --train --out my-demo"),
    "doctor": ("doctor", "doctor speedy-5p6 era5-0p25", "doctor era5-0p25 --gpu h100 --nodes 4 --gpus 8"),
    "catalog list": ("catalog list", "catalog list --json"),
    "catalog show": ("catalog show speedy-5p6",),
    "new-dataset": ("new-dataset europe.nc --name my-europe",),
    "ingest": ("ingest speedy-5p6", "ingest my-europe --source new-month.nc", "ingest era5-5p6 --start 2020-01-01"),
    "archive verify": ("archive verify speedy-5p6", "archive verify speedy-5p6 --scheduler processes"),
    "archive judge": ("archive judge my-europe",),
    "archive rechunk": ("archive rechunk speedy-5p6",),
    "archive copy": ("archive copy speedy-5p6 s3://bucket/archives/speedy-5p6.zarr",),
    "archive report": ("archive report speedy-5p6 --out speedy.html",),
    "archive heal": ("archive heal speedy-5p6",),
    "fetch": ("fetch ifs-0p25 --init 2026-11-30T00 --lead 5d --channel msl --channel t2m --members all --out ifs.nc",),
    "regrid": ("regrid era5.nc --grid 30:70:2.5,-30:40:2.5 --method conservative --out coarse.nc",),
    "climatology": ("climatology my-europe --start 1991-01-01 --end 2020-12-31",),
    "new-system": ("new-system my-europe",),
    "train": ("train my-europe.toml", "train speedy-5p6 --processes 2 --resume"),
    "levels": ("levels speedy-5p6",),
    "calibrate": ("calibrate my-europe.toml",),
    "tune": ("tune my-europe.toml --trials 20",),
    "forecast": (
        "forecast speedy-5p6 --init 2008-07-01",
        "forecast speedy-5p6 --init 2008-07-01 --members 20 --lead 3d",
        "forecast speedy-5p6 --init 2008-01-15 --what-if 'msl@64N,22W < 98800 at 72h' --out what-if",
    ),
    "postprocess": ("postprocess table.csv --start 2020-06-01 --out calibrated.csv --scores scores.json",),
    "report": ("report plumecast-data/runs/speedy-5p6/20080701T0000Z",),
    "explain": (
        "explain plumecast-data/runs/speedy-5p6/20080701T0000Z --place London --lead 5d --channel msl",
        "explain plumecast-data/runs/speedy-5p6/20080701T0000Z --place 51.5,0 --lead 3d --members 20",
    ),
    "check": ("check plumecast-data/runs/speedy-5p6/20080701T0000Z --member random",),
    "publish": ("publish plumecast-data/runs/speedy-5p6/20080701T0000Z --to s3://bucket/forecasts",),
    "verify": (
        "verify plumecast-data/runs/speedy-5p6/20080701T0000Z",
        "verify theirs.nc --analysis era5.nc --json",
        "verify theirs.nc --stations synop.csv --at linear",
    ),
    "evaluate": ("evaluate speedy-5p6 --every 6d --members 50 --lead 7d --out scores.json",),
    "scorecard": ("scorecard speedy-5p6 --reference linear --out card.png", "scorecard speedy-5p6 --list"),
    "realism": ("realism speedy-5p6", "realism my-europe.toml --starts 24 --members 16 --out realism"),
    "cycle": ("cycle speedy-5p6 --init 2008-07-01",),
    "serve": ("serve speedy-5p6", 'serve speedy-5p6 --cron "0 6 * * *"'),
    "deploy": ("deploy speedy-5p6 --pool forecasts",),
    "worker": ("worker forecasts --limit 2",),
    "backfill": ("backfill speedy-5p6 --start 2008-01-01 --end 2008-02-01 --every 5d",),
    "status": ("status", "status speedy-5p6 --json"),
    "hold": ('hold speedy-5p6 --reason "disk is being replaced"',),
    "release": ("release speedy-5p6",),
    "skip": ('skip speedy-5p6 --init 2008-07-01 --reason "no analysis"',),
    "metrics": ("metrics",),
    "clean": ("clean speedy-5p6",),
    "models": ("models speedy-5p6",),
    "register": ('register speedy-5p6 trained/ --reason "ten more years"',),
    "shadow": ("shadow speedy-5p6 3f0c52d1",),
    "promote": ("promote speedy-5p6 3f0c52d1",),
    "rollback": ('rollback speedy-5p6 --reason "too little spread"',),
}
"""Command lines after the name of the program, by command."""


class HelpfulGroup(TyperGroup):
    """Commands that are listed by section, each with examples below its options."""

    def get_command(self, ctx: Any, cmd_name: str) -> Any:
        """Return a command, with its examples."""
        command = super().get_command(ctx, cmd_name)
        path = " ".join([*ctx.command_path.split()[1:], cmd_name])
        if command is not None and path in EXAMPLES:
            lines = [f"  plumecast {example}" for example in EXAMPLES[path]]
            command.epilog = "\n".join(("\b", "Examples:" if len(lines) > 1 else "Example:", *lines))
        return command

    def format_commands(self, ctx: Any, formatter: Any) -> None:
        """Write the commands of each section, with the first sentence of what they do."""
        there = self.list_commands(ctx)
        sections = SECTIONS if set(there) > {"demo"} else {"Commands": tuple(there)}
        for title, names in sections.items():
            with formatter.section(title):
                formatter.write_dl([(name, self._first_sentence(ctx, name)) for name in names])

    def _first_sentence(self, ctx: Any, name: str) -> str:
        command = self.get_command(ctx, name)
        assert command is not None
        return str(command.get_short_help_str(limit=1000))
