#!/usr/bin/env python3
"""What those who ask a router see when a replica is killed, and when a shard without another replica freezes.

    tests/bench/serving/replicas.py --argosy build/argosy --store STORE --other STORE --log train_log.tsv.gz [--rate 5000] [--seconds 20] [--json]

A router, one shard, and two replicas of another, --store. The load of `argosy bench serve` at a fixed rate over ZeroMQ: undisturbed; with one
replica killed by SIGKILL in its midst; and with the one that is left frozen by SIGSTOP, while single queries are asked over HTTP.
All servers are kept on processor 0, the load on processor 1.
"""
import argparse
import json
import os
import signal
import threading
import time
import urllib.error
import urllib.request

from load import Server, measure, serve_words


def answer(router):
    start = time.monotonic()
    try:
        with urllib.request.urlopen(router.at["http"] + "/v1/search?q=red+dress&live=1") as reply:
            return json.load(reply)["partial"], time.monotonic() - start
    except urllib.error.HTTPError as refused:
        return refused.code, time.monotonic() - start


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--argosy", default="build/argosy")
    parser.add_argument("--store", required=True)
    parser.add_argument("--other", required=True, help="a store of other products: the shard that goes on")
    parser.add_argument("--log", required=True)
    parser.add_argument("--rate", type=float, default=5000)
    parser.add_argument("--seconds", type=float, default=20)
    parser.add_argument("--json", action="store_true")
    options = parser.parse_args()

    node = ["--node", "127.0.0.1:0"]
    keeps, goes = (Server(serve_words(options.argosy, options.store) + node) for _ in range(2))
    other = Server(serve_words(options.argosy, options.other) + node)
    words = serve_words(options.argosy, options.store)
    at = words.index("--store")
    router = Server(words[:at] + words[at + 2:] + ["--shard", other.at["node"], "--shard", keeps.at["node"] + "," + goes.at["node"]])
    time.sleep(1)
    load = ["--no-restrict", "--rate", str(options.rate)]
    still = measure(options, router.at["zmq"], load)

    killer = threading.Timer(1 + options.seconds / 2, goes.process.kill)
    killer.start()
    killed = measure(options, router.at["zmq"], load)

    os.kill(keeps.process.pid, signal.SIGSTOP)
    frozen = [answer(router) for _ in range(3)]
    os.kill(keeps.process.pid, signal.SIGCONT)
    found = {"undisturbed": still, "killed": killed, "frozen": [{"partial": partial, "seconds": seconds} for partial, seconds in frozen]}
    for server in (router, other, keeps, goes):
        server.end()
    if options.json:
        print(json.dumps(found, indent=2))
        return
    print("| | offered/s | answered/s | p50 ms | p99 ms | longest ms | errors |\n|---|---|---|---|---|---|---|")
    for name in ("undisturbed", "killed"):
        one = found[name]
        print(f"| {name} | {one['offered_per_s']:.0f} | {one['answered_per_s']:.0f} | {one['p50_ms']:.2f} | {one['p99_ms']:.2f} | {one['longest_ms']:.1f} | {one['errors']} |")
    for one in found["frozen"]:
        print(f"frozen: partial {one['partial']}, {one['seconds']:.3f} s")


if __name__ == "__main__":
    main()
