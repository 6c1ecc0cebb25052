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
import json
import pathlib
import statistics
import subprocess
import sys
import tempfile
import time

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[2] / "cluster"))
import private_hosts  # noqa: E402

PORT = 7700
WARM = 5
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


def train(options, hosts, folder, stranger):
    """The median seconds of a step, and how many connections the stranger made."""
    folder.mkdir()
    secret, run, said = folder / "secret", folder / "run", folder / "stranger.told"
    secret.touch(0o600)
    secret.write_text("of-the-strangers-of-this-benchmark-alone\n")
    chief, at = options.nodes, f"{hosts.address(options.nodes)}:{PORT}"
    processes = []

    def start(host, words, out=subprocess.DEVNULL):
        processes.append(subprocess.Popen(hosts.words(host, words), stdout=out, stderr=subprocess.DEVNULL))

    try:
        start(chief, [options.argosy, "coordinator", "--data", options.data, "--recipe", options.recipe, "--run", run, "--listen", at, "--least",
                      options.nodes, "--node-secret", secret, "--set", *options.set, f"train.steps={options.steps + WARM}", "checkpoint.every=0"])
        for host in range(options.nodes):
            start(host, [options.argosy, "worker", "--data", options.data, "--run", run, "--join", at, "--threads", 1, "--tensors",
                         hosts.address(host), "--node-secret", secret])
        job = processes[:]
        began = time.monotonic()
        if stranger:
            with said.open("w") as told:
                start(chief + 1, [sys.executable, "-c", STRANGER, at, options.per_s], told)
        codes = [process.wait(600) for process in job]
        made = len(said.read_text().splitlines()) if stranger else 0
        if stranger and (processes[-1].poll() is not None or made < options.per_s * (time.monotonic() - began) / 2):
            sys.exit(f"the stranger made {made} connections in {time.monotonic() - began:.1f} s")
    finally:
        for process in processes:
            process.kill()
            process.wait()
    if any(codes):
        sys.exit(f"the job ended with {codes}")
    ledger = json.loads(subprocess.run([options.argosy, "ledger", "--run", run, "--json"], check=True, capture_output=True).stdout)
    lines = [json.loads(line) for line in (run / "metrics.jsonl").read_text().splitlines()][WARM:]
    return {"step_s": statistics.median(line["step_s"] for line in lines), "groups": ledger["groups"],
            "connections": made}


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--argosy", default="build/argosy")
    parser.add_argument("--data", required=True)
    parser.add_argument("--recipe", required=True)
    parser.add_argument("--nodes", type=int, default=2)
    parser.add_argument("--steps", type=int, default=200)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--per-s", type=float, default=100)
    parser.add_argument("--set", nargs="*", default=[])
    parser.add_argument("--json", action="store_true")
    options = parser.parse_args()
    options.argosy = str(pathlib.Path(options.argosy).resolve())
    if lacks := private_hosts.missing():
        sys.exit(lacks)
    alone, beside = [], []
    with tempfile.TemporaryDirectory() as folder, private_hosts.private(options.nodes + 2) as hosts:
        for number in range(options.rounds):
            for stranger, rounds in ((False, alone), (True, beside))[::1 if number % 2 == 0 else -1]:
                rounds.append(train(options, hosts, pathlib.Path(folder, f"{number}-{stranger}"), stranger))
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
