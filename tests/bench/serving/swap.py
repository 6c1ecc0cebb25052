#!/usr/bin/env python3
"""What switching generations costs those who ask meanwhile, and whether the server's memory stays flat.

    tests/bench/serving/swap.py --argosy build/argosy --store STORE --log train_log.tsv.gz [--rate 10000] [--seconds 60] [--json]

1. The load of `argosy bench serve` at a fixed rate, without a switch, and then with 25 of them, evenly spread: 20 from one generation to the
   next and, after every fifth, one back. Each is `argosy generations rollback`: CURRENT names another generation, as after a publication.
2. 200 switches without load, with the server's resident memory after every twentieth.

The server is kept on processor 0, all else on processor 1. The store is copied, and needs two generations with a pair table.
"""
import argparse
import json
import pathlib
import re
import shutil
import subprocess
import sys
import tempfile
import threading
import time
import urllib.request

from load import Server, measure, serve_words


def generations(options, store):
    listed = subprocess.run([options.argosy, "generations", "list", "--store", store], capture_output=True, text=True, check=True).stdout
    numbers = [int(found) for found in re.findall(r"^(?:current)?\s+(\d+)\s.*\bpairs\b", listed, re.MULTILINE)]
    if len(numbers) < 2:
        sys.exit(f"{store}: want two generations with a pair table to switch between, found {len(numbers)}")
    return numbers


def make_current(options, store, number):
    subprocess.run(["taskset", "-c", "1", options.argosy, "generations", "--store", store, "rollback", "--to", str(number)], check=True,
                   capture_output=True)


def metric(server, name):
    text = urllib.request.urlopen(server.at["http"] + "/metrics").read().decode()
    return int(re.search(rf"^{name} (\d+)$", text, re.MULTILINE).group(1))


def resident_mb(server):
    status = pathlib.Path(f"/proc/{server.process.pid}/status").read_text()
    return int(re.search(r"VmRSS:\s+(\d+) kB", status).group(1)) / 1024


def order(count):
    """Indices of generations: forward, and one back after every fifth step."""
    at, steps = 0, []
    for step in range(1, 21):
        at += 1
        steps.append(at % count)
        if step % 4 == 0:
            steps.append((at - 1) % count)
    return steps


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--argosy", default="build/argosy")
    parser.add_argument("--store", required=True)
    parser.add_argument("--log", required=True)
    parser.add_argument("--rate", type=float, default=10000)
    parser.add_argument("--seconds", type=float, default=60)
    parser.add_argument("--memory-switches", type=int, default=200)
    parser.add_argument("--json", action="store_true")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        store = str(pathlib.Path(folder) / "store")
        shutil.copytree(options.store, store)
        numbers = generations(options, store)
        make_current(options, store, numbers[0])
        server = Server(serve_words(options.argosy, store))
        asked = ["--no-restrict", "--rate", str(options.rate)]
        still = measure(options, server.at["zmq"], asked)

        before = metric(server, "argosy_switches_total")
        steps = order(len(numbers))

        def switch():
            time.sleep(1.5)  # the warm-up, and a bit
            for step in steps:
                make_current(options, store, numbers[step])
                time.sleep(max(0.0, (options.seconds - 2) / len(steps) - 0.05))

        switching = threading.Thread(target=switch)
        switching.start()
        moving = measure(options, server.at["zmq"], asked)
        switching.join()
        time.sleep(1)
        switches = metric(server, "argosy_switches_total") - before

        memory = [resident_mb(server)]
        for number in range(options.memory_switches):
            seen = metric(server, "argosy_switches_total")
            make_current(options, store, numbers[number % len(numbers)])
            for _ in range(200):
                if metric(server, "argosy_switches_total") > seen:
                    break
                time.sleep(0.02)
            if number % 20 == 19:
                memory.append(resident_mb(server))
        server.end()
    if options.json:
        print(json.dumps({"still": still, "moving": moving, "switches": switches, "resident_mb": memory}, indent=2))
        return
    print("| | offered/s | answered/s | p50 ms | p99 ms | p99.9 ms | longest ms | errors |\n|---|---|---|---|---|---|---|---|")
    for name, found in (("no switch", still), (f"{switches} switches", moving)):
        times = " | ".join(f"{found[key]:.2f}" for key in ("p50_ms", "p99_ms", "p999_ms", "longest_ms"))
        print(f"| {name} | {found['offered_per_s']:,.0f} | {found['answered_per_s']:,.0f} | {times} | {found['errors']} |")
    print(f"\nresident memory after every twentieth of {options.memory_switches} switches, MB: " + ", ".join(f"{one:.0f}" for one in memory))


if __name__ == "__main__":
    main()
