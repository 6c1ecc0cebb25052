#!/usr/bin/env python3
"""What `argosy serve` answers on one core, asked from another: beside a server that answers nothing, in the same run.

    tests/bench/serving/load.py --argosy build/argosy --store STORE --log train_log.tsv.gz [--rounds 3] [--seconds 10] [--json]

The server is kept on processor 0 and `argosy bench serve` on processor 1 (`taskset`); where these are two threads of one core, as on many
rented machines, each slows the other. The store needs a pair table of the log (`argosy pairs`). Rounds go in turn through all lines, so that
a busy minute of the machine is everybody's; the table gives the median of the rounds and their range.
"""
import argparse
import json
import pathlib
import statistics
import subprocess
import sys
import tempfile
import time

# name, server, transport, arguments of bench serve
LINES = [
    ("nothing, ZeroMQ", "floor", "zmq", []),
    ("nothing, HTTP", "floor", "http", []),
    ("pair table, ZeroMQ", "serve", "zmq", ["--no-restrict"]),
    ("pair table, ZeroMQ, half of 40,000/s", "serve", "zmq", ["--no-restrict", "--rate", "20000"]),
    ("pair table with names, ZeroMQ", "serve", "zmq", []),
    ("pair table, HTTP", "serve", "http", ["--no-restrict"]),
    ("live, ZeroMQ", "serve", "zmq", ["--live"]),
    ("live, ZeroMQ, 1,500/s", "serve", "zmq", ["--live", "--rate", "1500"]),
    ("live, ZeroMQ, 3,000/s", "serve", "zmq", ["--live", "--rate", "3000"]),
]


class Server:
    def __init__(self, words):
        self.folder = tempfile.TemporaryDirectory()
        addresses = pathlib.Path(self.folder.name) / "addresses"
        self.process = subprocess.Popen(["taskset", "-c", "0", *words, "--address-file", str(addresses)], stdout=subprocess.DEVNULL)
        while not addresses.exists():
            if self.process.poll() is not None:
                sys.exit(f"the server ended with {self.process.returncode}: {' '.join(words)}")
            time.sleep(0.01)
        self.at = dict(zip(["http", "zmq", "node"], addresses.read_text().split()))

    def end(self):
        self.process.terminate()
        self.process.wait()
        self.folder.cleanup()


def serve_words(argosy, store):
    return [argosy, "serve", "--store", store, "--http", "127.0.0.1:0", "--zmq", "tcp://127.0.0.1:*", "--threads", "1"]


def measure(options, at, arguments):
    words = ["taskset", "-c", "1", options.argosy, "bench", "serve", "--at", at, "--log", options.log, "--seconds", str(options.seconds), "--json"]
    done = subprocess.run(words + arguments, capture_output=True, text=True, check=False)
    if done.returncode != 0:
        sys.exit(done.stderr)
    return json.loads(done.stdout)


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--argosy", default="build/argosy")
    parser.add_argument("--store", required=True)
    parser.add_argument("--log", required=True)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--seconds", type=float, default=10)
    parser.add_argument("--json", action="store_true")
    options = parser.parse_args()
    servers = {
        "floor": [options.argosy, "bench", "floor"],
        "serve": serve_words(options.argosy, options.store),
    }
    found = {name: [] for name, *_ in LINES}
    for number in range(options.rounds):
        for name, server, transport, arguments in LINES:
            running = Server(servers[server])
            try:
                found[name].append(measure(options, running.at[transport], arguments))
            finally:
                running.end()
            print(f"round {number + 1}: {name}: {found[name][-1]['answered_per_s']:,.0f}/s", file=sys.stderr)
    if options.json:
        print(json.dumps(found, indent=2))
        return
    print("| | answered/s, median (range) | p50 ms | p99 ms | p99.9 ms | errors |\n|---|---|---|---|---|---|")
    for name, rounds in found.items():
        answered = [one["answered_per_s"] for one in rounds]
        times = [statistics.median(one[key] for one in rounds) for key in ("p50_ms", "p99_ms", "p999_ms")]
        errors = sum(one["errors"] for one in rounds)
        cells = " | ".join(f"{value:.2f}" for value in times)
        print(f"| {name} | {statistics.median(answered):,.0f} ({min(answered):,.0f} to {max(answered):,.0f}) | {cells} | {errors} |")


if __name__ == "__main__":
    main()
