#!/usr/bin/env python3
"""What a step takes with 1, 2 and 4 workers on this machine, by part, beside what `argosy plan` predicts of it.

    tests/bench/cluster/scaling.py --argosy build/argosy --data data --recipe recipe.toml [--workers 1 2 4] [--pairs 16] [--steps 120] [--rounds 3]
                                   [--same-batch] [--mib 16] [--fit-out FILE] [--set ...] [--json]

Every job is a coordinator and workers of one thread each. A worker has `--pairs` pairs, so the batch grows with the workers; with --same-batch all share
`--pairs`. Half of the steps are before the switch to all workers' products, half after it. Of each round the median over its steps counts, of the
rounds their median, and their lowest and highest are printed. Parts are the longest of any worker (schema/FORMATS.md), so they can add up to more
than the step.
The model knows: the rate of the computing parts and of the optimiser, and their spread, from one worker alone; how much slower that worker is while
others like it, in jobs of their own, keep the other cores busy; latency and bytes/s of Gloo from `argosy bench collectives --ranks 2 --between-mib 64`,
least squares of the relative errors over all sizes and operations; the number of cores. So the row of
one worker is fitted; of as many workers as cores their exchange is predicted; of more, all but the bandwidth of two ranks.
"""
import argparse
import concurrent.futures
import json
import os
import pathlib
import statistics
import subprocess
import sys
import tempfile
import time

COMPUTE = ("forward_s", "match_s", "backward_s", "update_s")
PARTS = ("compute_s", "gather_s", "reduce_s", "wait_s")
SETTLING = 5  # steps at the beginning of a phase that do not count
PHASES = ("before_switch", "after_switch")
SENT_WHOLE = 16 * 1024  # net/gloo_group.cpp


def run_json(options, *words):
    done = subprocess.run([options.argosy, *map(str, words), "--json"], capture_output=True, text=True)
    if done.returncode != 0:
        sys.exit(f"argosy {words[0]}: {done.stderr}")
    return json.loads(done.stdout)


def pairs_of_worker(options, workers):
    return options.pairs // workers if options.same_batch else options.pairs


def sets(options, workers):
    return ["--set", *options.set, f"train.batch={pairs_of_worker(options, workers) * workers}", f"train.steps={options.steps}",
            "negatives.cross_device_start=0.5", "checkpoint.every=0", "train.bucket_kib=0"]  # the model sums after backward


def train(options, folder, workers):
    """The lines of the run's metrics."""
    folder.mkdir(exist_ok=True)
    address, run = folder / "address", folder / "run"
    started = []

    def start(*words):
        with open(folder / f"{len(started)}.err", "w") as err:
            started.append(subprocess.Popen([options.argosy, *map(str, words)], stdout=subprocess.DEVNULL, stderr=err))

    try:
        start("coordinator", "--data", options.data, "--recipe", options.recipe, "--run", run, "--listen", "127.0.0.1:0", "--nodes", workers,
              "--least", workers, "--address-file", address, *sets(options, workers))
        while not address.exists() or not address.read_text().strip():
            if started[0].poll() is not None:
                sys.exit(f"the coordinator ended with {started[0].returncode}: {(folder / '0.err').read_text()[-500:]}")
            time.sleep(0.05)
        for _ in range(workers):
            start("worker", "--data", options.data, "--run", run, "--join", address.read_text().strip(), "--threads", 1)
        if started[0].wait() != 0:
            sys.exit(f"the coordinator ended with {started[0].returncode}: {(folder / '0.err').read_text()[-500:]}")
    finally:
        for one in started:
            if one.poll() is None and sys.exc_info()[0] is not None:
                one.kill()
            one.wait()
    return [json.loads(line) for line in (run / "metrics.jsonl").read_text().splitlines()]


def crowd(options):
    """Lines of jobs of one worker, as many at once as there are cores: of each the middle half, when all of them run."""
    cores = len(os.sched_getaffinity(0))
    with tempfile.TemporaryDirectory() as folder, concurrent.futures.ThreadPoolExecutor(cores) as threads:
        jobs = [threads.submit(train, options, pathlib.Path(folder, str(n)), 1) for n in range(cores)]
        return [line for job in jobs for lines in [job.result()] for line in lines[len(lines) // 4:3 * len(lines) // 4]]


def halves(lines):
    """The steps that count, by phase."""
    crossing = [line["phase"].startswith("cross-device") for line in lines]
    switch = crossing.index(True)
    return {"before_switch": lines[SETTLING:switch], "after_switch": lines[switch + SETTLING:]}


def parts_of(line):
    return {"step_s": line["step_s"], "compute_s": sum(line[part] for part in COMPUTE), **{part: line[part] for part in PARTS[1:]}}


def medians(lines):
    rows = [parts_of(line) for line in lines]
    return {part: statistics.median(row[part] for row in rows) for part in rows[0]}


def over_rounds(rounds):
    return {part: {"median": statistics.median(values), "low": min(values), "high": max(values)}
            for part in rounds[0] for values in [[one[part] for one in rounds]]}


def measure(options):
    """By workers, by phase: what the rounds had; and for the fit all lines of one worker alone, and of workers beside each other."""
    rounds, alone, crowded = {n: {phase: [] for phase in PHASES} for n in options.workers}, [], []
    for _ in range(options.rounds):
        for n in options.workers:
            with tempfile.TemporaryDirectory() as folder:
                steps = halves(train(options, pathlib.Path(folder), n))
            for phase in PHASES:
                rounds[n][phase].append(medians(steps[phase]))
            if n == 1:
                alone += steps["before_switch"] + steps["after_switch"]
        crowded += crowd(options)
    return {n: {phase: over_rounds(rounds[n][phase]) for phase in PHASES} for n in options.workers}, alone, crowded


def rounds_and_bytes(operation, size, ranks):
    """Of net/gloo_group.hpp, as tools/step_model.hpp counts them."""
    if operation == "all_reduce":
        return (2, size * (ranks - 1)) if size <= SENT_WHOLE else (3, 2 * size * (ranks - 1) / ranks)
    return 2, size * (ranks - 1) / ranks


def fit_link(collectives):
    """Latency and bytes/s that leave the least squares of relative errors."""
    rows = [(*rounds_and_bytes(m["operation"], m["bytes"], collectives["ranks"]), m["seconds"])
            for m in collectives["measured"] if m["road"] == "Gloo"]
    a = [(rounds / t, sent / t) for rounds, sent, t in rows]
    xx, xy, yy = (sum(p[i] * p[j] for p in a) for i, j in ((0, 0), (0, 1), (1, 1)))
    x, y = sum(p[0] for p in a), sum(p[1] for p in a)
    whole = xx * yy - xy * xy
    latency, per_byte = (x * yy - y * xy) / whole, (y * xx - x * xy) / whole
    errors = [abs(rounds * latency + sent * per_byte - t) / t for rounds, sent, t in rows]
    return {"latency_s": max(latency, 0), "bytes_per_s": 1 / per_byte}, statistics.median(errors)


def fit(options, alone, crowded, link):
    """The hardware of `argosy plan --fit`: what one worker alone reached, and others beside it."""
    draft = {"product_flops": 1, "loss_flops": 1, "memory_bytes": 1, "row_bytes": 4, "algorithm": "direct", "within": link,
             "per_machine": max(options.workers), "cores": len(os.sched_getaffinity(0)), "threads": 1}
    work = plan(options, draft, 1, options.pairs)
    products = [line["forward_s"] + line["match_s"] + line["backward_s"] for line in alone]
    whole = [parts_of(line)["compute_s"] for line in alone]
    beside = [parts_of(line)["compute_s"] for line in crowded]
    low, middle, high = statistics.quantiles(whole, n=4)
    rate = (work["product_flops"] + work["loss_flops"]) / statistics.median(products)
    return {**draft, "product_flops": rate, "loss_flops": rate,
            "memory_bytes": work["optimiser_bytes"] / statistics.median(line["update_s"] for line in alone),
            "crowded": statistics.median(beside) / middle,
            "spread": (high - low) / 1.349 / middle}  # the quartiles of a normal number are that many deviations apart


def plan(options, hardware, workers, pairs):
    with tempfile.TemporaryDirectory() as folder:
        file = pathlib.Path(folder) / "fit.json"
        file.write_text(json.dumps(hardware))
        return run_json(options, "plan", "--recipe", options.recipe, "--data", options.data, "--fit", file, "--gpus", workers,
                        "--pairs-per-gpu", pairs, *sets(options, workers))["plans"][0]


def compare(options, measured, hardware):
    rows = []
    for n in options.workers:
        predicted = plan(options, hardware, n, pairs_of_worker(options, n))
        for phase in PHASES:
            got, want = predicted[phase], measured[n][phase]
            rows.append({"workers": n, "phase": phase, "pairs_of_worker": pairs_of_worker(options, n), "measured": want, "predicted": got,
                         "error": got["step_s"] / want["step_s"]["median"] - 1})
    return rows


def print_table(rows):
    def ms(seconds):
        return f"{seconds * 1e3:.1f}"

    print("| workers | switch | pairs of one | step, ms | lowest .. highest | compute | gather | reduce | wait "
          "| predicted step | compute | gather | reduce | wait | error |\n|" + "---|" * 15)
    for row in rows:
        step = row["measured"]["step_s"]
        cells = [row["workers"], row["phase"].split("_")[0], row["pairs_of_worker"], ms(step["median"]), f"{ms(step['low'])} .. {ms(step['high'])}",
                 *(ms(row["measured"][part]["median"]) for part in PARTS), ms(row["predicted"]["step_s"]),
                 *(ms(row["predicted"][part]) for part in PARTS), "fitted" if row["workers"] == 1 else f"{100 * row['error']:+.0f} %"]
        print("| " + " | ".join(map(str, cells)) + " |")


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--argosy", default="build/argosy")
    parser.add_argument("--data", required=True)
    parser.add_argument("--recipe", required=True)
    parser.add_argument("--workers", type=int, nargs="*", default=[1, 2, 4], help="1 is needed, to fit")
    parser.add_argument("--pairs", type=int, default=16, help="of a worker; with --same-batch of all")
    parser.add_argument("--same-batch", action="store_true")
    parser.add_argument("--steps", type=int, default=120)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--mib", type=int, default=16, help="of the largest tensor of the collectives")
    parser.add_argument("--fit-out", help="leave the fitted hardware there, for argosy plan --fit")
    parser.add_argument("--set", nargs="*", default=[])
    parser.add_argument("--json", action="store_true")
    options = parser.parse_args()
    if 1 not in options.workers or options.steps < 4 * SETTLING or options.rounds < 1 or options.pairs < max(options.workers):
        parser.error(f"--workers wants 1 among them, --steps at least {4 * SETTLING}, --rounds 1, --pairs as many as workers")
    measured, alone, crowded = measure(options)
    link, link_error = fit_link(run_json(options, "bench", "collectives", "--ranks", 2, "--mib", options.mib, "--between-mib", 64))
    hardware = fit(options, alone, crowded, link)
    if options.fit_out:
        pathlib.Path(options.fit_out).write_text(json.dumps(hardware) + "\n")
    rows = compare(options, measured, hardware)
    if options.json:
        print(json.dumps({"hardware": hardware, "link_median_error": link_error, "rounds": options.rounds, "steps": options.steps, "rows": rows}))
        return
    print_table(rows)
    print(f"\nfitted: {hardware['product_flops'] / 1e9:.1f} GFLOP/s, optimiser {hardware['memory_bytes'] / 1e9:.2f} GB/s, "
          f"spread {100 * hardware['spread']:.1f} %, with all cores busy {hardware['crowded']:.2f} times as long, "
          f"Gloo {link['latency_s'] * 1e6:.0f} us and {link['bytes_per_s'] / 1e9:.2f} GB/s "
          f"(median error {100 * link_error:.0f} %), {hardware['cores']} cores; {options.rounds} rounds of {options.steps} steps")


if __name__ == "__main__":
    main()
