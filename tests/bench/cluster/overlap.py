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
import tempfile

import private_job
from private_job import private_hosts

SHOWN = ("step_s", "backward_s", "reduce_s", "wait_s", "overlap_s")


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    private_job.add_arguments(parser, steps=40)
    parser.add_argument("--rate", default="1gbit")
    parser.add_argument("--kib", type=int, nargs="*", default=[0, 1024])
    options = private_job.parsed(parser)
    found = {kib: [] for kib in options.kib}
    with tempfile.TemporaryDirectory() as folder, private_hosts.private(options.nodes + 1) as hosts:
        for host in range(options.nodes):
            hosts.limit(host, options.rate)
        for number in range(options.rounds):
            for kib in options.kib:
                job = private_job.train(options, hosts, pathlib.Path(folder, f"{number}-{kib}"), [f"train.bucket_kib={kib}"])
                found[kib].append({key: job.median(key) for key in SHOWN})
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
