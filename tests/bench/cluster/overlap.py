#!/usr/bin/env python3
"""What it gives to sum gradients while backward goes on (train.bucket_kib), over a network as slow as told.

    tests/bench/cluster/overlap.py --argosy build/argosy --data data --recipe recipe.toml [--nodes 2] [--rate 1gbit] [--steps 40] [--rounds 3]
                                   [--kib 0 1024] [--set ...] [--json]

Each node is a network namespace with one link of that rate (root and iproute2 are wanted) and one thread to compute with; the job is trained
anew for each size of a bucket, in turn. Of the steps after the fifth: the median of a step, of what it waited for the sums of gradients, and of
what was summed beside backward.
"""
import argparse
import json
import pathlib
import statistics
import subprocess
import sys
import tempfile

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[2] / "cluster"))
import private_hosts  # noqa: E402

PORT = 7700
WARM = 5
SHOWN = ("step_s", "backward_s", "reduce_s", "wait_s", "overlap_s")


def train(options, hosts, folder, kib):
    folder.mkdir()
    secret, run = folder / "secret", folder / "run"
    secret.touch(0o600)
    secret.write_text("of-the-overlap-of-this-benchmark-alone\n")
    chief, at = options.nodes, f"{hosts.address(options.nodes)}:{PORT}"
    words = ["coordinator", "--data", options.data, "--recipe", options.recipe, "--run", run, "--listen", at, "--least", options.nodes,
             "--node-secret", secret, "--set", *options.set, f"train.steps={options.steps + WARM}", f"train.bucket_kib={kib}"]
    quiet = {"stdout": subprocess.DEVNULL, "stderr": subprocess.DEVNULL}
    processes = []
    try:
        processes.append(subprocess.Popen(hosts.words(chief, [options.argosy, *words]), **quiet))
        for host in range(options.nodes):
            words = ["worker", "--data", options.data, "--run", run, "--join", at, "--threads", 1, "--tensors", hosts.address(host),
                     "--node-secret", secret]
            processes.append(subprocess.Popen(hosts.words(host, [options.argosy, *words]), **quiet))
        codes = [process.wait(600) for process in processes]
    finally:
        for process in processes:
            process.kill()
            process.wait()
    if any(codes):
        sys.exit(f"the job ended with {codes}")
    lines = [json.loads(line) for line in (run / "metrics.jsonl").read_text().splitlines()][WARM:]
    return {key: statistics.median(line[key] for line in lines) for key in SHOWN}


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--argosy", default="build/argosy")
    parser.add_argument("--data", required=True)
    parser.add_argument("--recipe", required=True)
    parser.add_argument("--nodes", type=int, default=2)
    parser.add_argument("--rate", default="1gbit")
    parser.add_argument("--steps", type=int, default=40)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--kib", type=int, nargs="*", default=[0, 1024])
    parser.add_argument("--set", nargs="*", default=[])
    parser.add_argument("--json", action="store_true")
    options = parser.parse_args()
    options.argosy = str(pathlib.Path(options.argosy).resolve())
    if lacks := private_hosts.missing():
        sys.exit(lacks)
    found = {kib: [] for kib in options.kib}
    with tempfile.TemporaryDirectory() as folder, private_hosts.private(options.nodes + 1) as hosts:
        for host in range(options.nodes):
            hosts.limit(host, options.rate)
        for number in range(options.rounds):
            for kib in options.kib:
                found[kib].append(train(options, hosts, pathlib.Path(folder, f"{number}-{kib}"), kib))
    rows = [{"bucket_kib": kib, **{key: statistics.median(one[key] for one in rounds) for key in SHOWN},
             "step_s_least": min(one["step_s"] for one in rounds), "step_s_most": max(one["step_s"] for one in rounds)}
            for kib, rounds in found.items()]
    if options.json:
        print(json.dumps({"nodes": options.nodes, "rate": options.rate, "steps": options.steps, "rounds": options.rounds, "sizes": rows}))
        return
    print(f"{options.nodes} nodes, {options.rate} each; medians of {options.rounds} rounds of {options.steps} steps, ms")
    print("bucket KiB" + "".join(f"{key[:-2]:>10}" for key in SHOWN) + "   step from .. to")
    for row in rows:
        print(f"{row['bucket_kib']:10}" + "".join(f"{1000 * row[key]:10.0f}" for key in SHOWN)
              + f"   {1000 * row['step_s_least']:.0f} .. {1000 * row['step_s_most']:.0f}")


if __name__ == "__main__":
    main()
