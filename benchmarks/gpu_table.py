"""The figures of `gpu.py` as Markdown, with the published cost of a member beside ours."""

PEERS = (
    ("GenCast, 0.25 degrees", "H100", "1500 s a member", "arXiv:2312.15796"),
    ("FourCastNet 3, 0.25 degrees", "H100", "about 60 s a member", "arXiv:2507.12144"),
    ("ArchesWeatherGen, 1.5 degrees", "A100", "60 s a member", "arXiv:2412.12971"),
    ("U-Cast, 1.5 degrees", "not known", "3 s a whole ensemble", "arXiv:2604.09041"),
)
"""Published cost of 15 days, and the device it was measured on."""
DAYS = 15


def markdown(result):
    """Return all tables of a run."""
    machine, peak = result["machine"], result["peak"]
    size = "tiny networks and grids: only shows that everything runs; " if machine["tiny"] else ""
    head = (
        f"{size}{machine['name']} ({machine['device']}), torch {machine['torch']}; "
        f"peak: {peak['flops'] / 1e12:.3g} TFLOP/s, a matrix product in {peak['precision']}\n"
    )
    return "\n".join([head, *_sampling(result), *_training(result), *_others(result), *_members(result)]) + "\n"


def _sampling(result):
    yield "| forecast | precision | members together | members/s | share of the peak | memory | promised |"
    yield "|---|---|---|---|---|---|---|"
    for row in result["sampling"]:
        start = f"| {row['system']} | {row['precision']} | {row['members']} |"
        if "failed" in row:
            yield f"{start} {row['failed']} | | | |"
        else:
            yield f"{start} {row['members_per_second']:.3g} | {row['share_of_peak']:.1%} | {_memory(row)}"
    yield ""


def _training(result):
    yield "| training step | samples together | | samples/s | share of the peak | memory | promised |"
    yield "|---|---|---|---|---|---|---|"
    for row in result["training"]:
        start = f"| {row['system']} | {row['samples']} | {'compiled' if row['compiled'] else 'eager'} |"
        if "failed" in row:
            yield f"{start} {row['failed']} | | | |"
        else:
            yield f"{start} {row['samples_per_second']:.3g} | {row['share_of_peak']:.1%} | {_memory(row)}"
    yield ""


def _memory(row):
    measured = "not measured on a CPU" if row["peak_bytes"] is None else f"{row['peak_bytes'] / 2**30:.3g} GiB"
    return f"{measured} | {row['promised_bytes'] / 2**30:.3g} GiB |"


def _others(result):
    loader, verification = result["loader"], result["verification"]
    yield "| beside them | |"
    yield "|---|---|"
    if "failed" in loader:
        yield f"| loader, speedy-5p6 | {loader['failed']} |"
    else:
        times = loader["times_the_step"]
        against = "no training step to compare with" if times is None else f"{times:.3g} times the fastest step"
        yield f"| loader, speedy-5p6 | {loader['samples_per_second']:.4g} samples/s, {against} |"
    seconds = verification.get("failed") or f"{verification['seconds']:.3g} s"
    yield f"| all scores in one pass, CPU, {verification['values']} | {seconds} |"
    yield ""


def _members(result):
    """A member of 15 days with the system's sampler, and with a fine-tuned one of one evaluation a step."""
    yield f"| {DAYS} days | device | as the sampler stands | one evaluation a step | source |"
    yield "|---|---|---|---|---|"
    for name in dict.fromkeys(row["system"] for row in result["sampling"]):
        rows = [row for row in result["sampling"] if row["system"] == name and "failed" not in row]
        rows = [row for row in rows if row["precision"] == "float32"]
        if not rows:
            yield f"| {name} | {result['machine']['name']} | not measured | | |"
            continue
        one = DAYS * min(row["evaluation_seconds"] / row["members"] for row in rows)
        stands = one * rows[0]["evaluations"]
        yield f"| {name} | {result['machine']['name']} | {stands:.3g} s a member | {one:.3g} s | this run, float32 |"
    for name, device, cost, source in PEERS:
        yield f"| {name} | {device} | {cost} | | {source} |"
