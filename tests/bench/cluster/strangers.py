#!/usr/bin/env python3
"""What it costs a training job that somebody else's machine keeps talking to its coordinator.

    tests/bench/cluster/strangers.py --argosy build/argosy --data data --recipe recipe.toml [--nodes 2] [--steps 200] [--rounds 3] [--per-s 100]
                                     [--set ...] [--json]

Coordinator, nodes and the stranger each have a network namespace (root and iproute2 are wanted). In turn the job trains alone and beside a stranger
that opens `--per-s` connections a second to the coordinator and sends random bytes, half a greeting, or nothing, and holds the last fifty open.
Of each round the median of a step counts, without the first five. A stranger that ends, or makes fewer than half of its connections, ends the
benchmark: it would have measured nothing.
"""
import argparse
import contextlib
import functools
import json
import pathlib
import statistics
import subprocess
import sys
import tempfile
import time

import private_job
from private_job import private_hosts

STRANGER = """
import os, socket, sys, time
host, port = sys.argv[1].split(':')
pause, held, number = 1 / float(sys.argv[2]), [], 0
next_s = time.monotonic()
while True:
    try:
        one = socket.create_connection((host, int(port)), 2)
        one.sendall([os.urandom(4096), b'\\x16\\x03\\x01\\x40\\x00', b''][number % 3])
        held = held[-50:] + [one]
        number += 1
        print(number, flush=True)
    except OSError:
        pass
    next_s += pause
    time.sleep(max(0, next_s - time.monotonic()))
"""


@contextlib.contextmanager
def stranger(options, hosts, told, coordinator):
    """From a host of its own, after the coordinator's, for as long as the block lasts; `told` has a line for each connection then."""
    with told.open("w") as out:
        process = subprocess.Popen(hosts.words(options.nodes + 1, [sys.executable, "-c", STRANGER, coordinator, options.per_s]), stdout=out,
                                   stderr=subprocess.DEVNULL)
    began = time.monotonic()
    try:
        yield
        seconds, made = time.monotonic() - began, len(told.read_text().splitlines())
        if process.poll() is not None or made < options.per_s * seconds / 2:
            sys.exit(f"the stranger made {made} connections in {seconds:.1f} s")
    finally:
        process.kill()
        process.wait()


def train(options, hosts, folder, is_there):
    """The median seconds of a step, and how many connections the stranger made."""
    told = folder / "stranger.told"
    beside = functools.partial(stranger, options, hosts, told) if is_there else contextlib.nullcontext
    job = private_job.train(options, hosts, folder, ["checkpoint.every=0"], beside)
    return {"step_s": job.median("step_s"), "groups": job.ledger["groups"],
            "connections": len(told.read_text().splitlines()) if is_there else 0}


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    private_job.add_arguments(parser, steps=200)
    parser.add_argument("--per-s", type=float, default=100)
    options = private_job.parsed(parser)
    alone, beside = [], []
    with tempfile.TemporaryDirectory() as folder, private_hosts.private(options.nodes + 2) as hosts:
        for number in range(options.rounds):
            for is_there, rounds in ((False, alone), (True, beside))[::1 if number % 2 == 0 else -1]:
                rounds.append(train(options, hosts, pathlib.Path(folder, f"{number}-{is_there}"), is_there))
    figures = {name: {"step_s": statistics.median(one["step_s"] for one in rounds), "low": min(one["step_s"] for one in rounds),
                      "high": max(one["step_s"] for one in rounds), "groups": [one["groups"] for one in rounds],
                      "connections": sum(one["connections"] for one in rounds)} for name, rounds in (("alone", alone), ("beside", beside))}
    figures["times"] = figures["beside"]["step_s"] / figures["alone"]["step_s"]
    if options.json:
        print(json.dumps({"nodes": options.nodes, "steps": options.steps, "rounds": options.rounds, "per_s": options.per_s, **figures}))
        return
    for name in ("alone", "beside"):
        of = figures[name]
        print(f"{name:7} {1000 * of['step_s']:8.1f} ms a step, {1000 * of['low']:.1f} .. {1000 * of['high']:.1f}; groups {of['groups']}, "
              f"{of['connections']} connections of the stranger")
    print(f"{figures['times']:.3f} times as long beside the stranger")


if __name__ == "__main__":
    main()
