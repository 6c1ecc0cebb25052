#!/usr/bin/env python3
"""What it costs, and what memory it saves, that nodes hold shards of AdamW's moments (train.shard_moments).

    tests/bench/cluster/shards.py --argosy build/argosy --data data --recipe recipe.toml [--nodes 4] [--steps 40] [--rounds 3] [--set ...] [--json]

Each node is a network namespace (root and iproute2 are wanted) with one thread to compute with; the job is trained with whole moments and with
shards in turn. Of the steps after the fifth: the median of a step, of its update and of what it gathers; and the most memory that a node took
(its largest resident set, which holds the data and the program too). The largest is rank 0, which makes
the checkpoint at the end.
"""
import argparse
import json
import pathlib
import statistics
import tempfile

import private_job
from private_job import private_hosts

SHOWN = ("step_s", "update_s", "gather_s", "wait_s")


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    private_job.add_arguments(parser, steps=40)
    options = private_job.parsed(parser)
    found = {"whole": [], "shards": []}
    with tempfile.TemporaryDirectory() as folder, private_hosts.private(options.nodes + 1) as hosts:
        for number in range(options.rounds):
            for name, rounds in list(found.items())[::1 if number % 2 == 0 else -1]:
                job = private_job.train(options, hosts, pathlib.Path(folder, f"{number}-{name}"),
                                        [f"train.shard_moments={str(name == 'shards').lower()}"])
                rounds.append({key: job.median(key) for key in SHOWN} | {"peak_mb": max(job.peaks), "least_mb": min(job.peaks)})
    rows = [{"moments": name, **{key: statistics.median(one[key] for one in rounds) for key in (*SHOWN, "peak_mb", "least_mb")},
             "step_s_least": min(one["step_s"] for one in rounds), "step_s_most": max(one["step_s"] for one in rounds)}
            for name, rounds in found.items()]
    if options.json:
        print(json.dumps({"nodes": options.nodes, "steps": options.steps, "rounds": options.rounds, "ways": rows}))
        return
    print(f"{options.nodes} nodes; medians of {options.rounds} rounds of {options.steps} steps, ms")
    print("moments" + "".join(f"{key[:-2]:>10}" for key in SHOWN) + "   step from .. to   MB of the largest node, of the smallest")
    for row in rows:
        print(f"{row['moments']:7}" + "".join(f"{1000 * row[key]:10.1f}" for key in SHOWN)
              + f"   {1000 * row['step_s_least']:.1f} .. {1000 * row['step_s_most']:.1f}   {row['peak_mb']:.0f}, {row['least_mb']:.0f}")


if __name__ == "__main__":
    main()
