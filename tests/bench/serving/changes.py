#!/usr/bin/env python3
"""What changing products costs those who search meanwhile.

    tests/bench/serving/changes.py --argosy build/argosy --store STORE --catalogue products.jsonl.gz --images images.tar --log train_log.tsv.gz
        [--rate 10000] [--fields 1000] [--products 100] [--seconds 60] [--together 50] [--compact-after 0] [--json]

The load of `argosy bench serve` at a fixed rate over ZeroMQ, first alone and then while one client sends `--fields` changes of price and stock
and `--products` new products with a photograph a second, as JSON lines, `--together` to a request. Each is acknowledged once it is on the disk
and searched. The server is kept on processor 0, all else on processor 1. The store is copied.
"""
import argparse
import gzip
import http.client
import json
import os
import pathlib
import random
import shutil
import sys
import tempfile
import threading
import time

from load import Server, measure, serve_words


class Sender(threading.Thread):
    """Requests of lines at a fixed rate; a late one goes as soon as the one before it is answered."""

    def __init__(self, server, per_second, together, line):
        super().__init__()
        self.host = server.at["http"].removeprefix("http://")
        self.pause, self.together, self.line = together / per_second, together, line
        self.ended = False
        self.answered = self.refused = 0
        self.seconds = []

    def run(self):
        connection = http.client.HTTPConnection(self.host, timeout=120)
        due = time.monotonic()
        while not self.ended:
            time.sleep(max(0, due - time.monotonic()))
            body = "\n".join(self.line() for _ in range(self.together))
            connection.request("POST", "/v1/products", body)
            outcomes = [json.loads(line) for line in connection.getresponse().read().splitlines()]
            good = sum(one.get("code", 500) < 300 for one in outcomes)
            self.answered += good
            self.refused += self.together - good
            self.seconds.append(time.monotonic() - due)
            due += self.pause

    def end(self):
        self.ended = True
        self.join()


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    for name in ("--store", "--catalogue", "--images", "--log"):
        parser.add_argument(name, required=True)
    parser.add_argument("--argosy", default="build/argosy")
    parser.add_argument("--rate", type=float, default=10000)
    parser.add_argument("--fields", type=float, default=1000)
    parser.add_argument("--products", type=float, default=100)
    parser.add_argument("--compact-after", type=int, default=0)
    parser.add_argument("--together", type=int, default=50)
    parser.add_argument("--seconds", type=float, default=60)
    parser.add_argument("--json", action="store_true")
    options = parser.parse_args()
    os.sched_setaffinity(0, {1})  # the senders, which are threads of this process
    products = [json.loads(line) for line in gzip.open(options.catalogue, "rt")]
    random.seed(1)
    made = iter(range(10**9))

    def field_change():
        patch = {"id": random.choice(products)["id"], "price": random.randrange(5, 500), "stock": random.randrange(100)}
        return json.dumps({"patch": patch})

    def new_product():
        one = dict(random.choice(products))
        one["id"] = f"new-{next(made)}"
        return json.dumps(one)

    with tempfile.TemporaryDirectory() as folder:
        store = pathlib.Path(folder) / "store"
        shutil.copytree(options.store, store)
        server = Server(serve_words(options.argosy, store) + ["--writable", "--images", options.images, "--compact-after", str(options.compact_after)])
        load = ["--no-restrict", "--rate", str(options.rate)]
        alone = measure(options, server.at["zmq"], load)
        started = time.monotonic()
        senders = [Sender(server, per_second, options.together, line)
                   for per_second, line in ((options.fields, field_change), (options.products, new_product)) if per_second > 0]
        for sender in senders:
            sender.start()
        changed = measure(options, server.at["zmq"], load)
        for sender in senders:
            sender.end()
        lasted = time.monotonic() - started
        server.end()
    told = {"alone": alone, "changed": changed, "seconds": lasted, "senders": [
        {"answered": one.answered, "refused": one.refused, "answered_per_s": one.answered / lasted,
         "p50_ms": 1000 * sorted(one.seconds)[len(one.seconds) // 2], "longest_ms": 1000 * max(one.seconds)} for one in senders]}
    if options.json:
        print(json.dumps(told, indent=2))
        return
    print("| | offered/s | answered/s | p50 ms | p99 ms | p99.9 ms | errors |\n|---|---|---|---|---|---|---|")
    for name in ("alone", "changed"):
        one = told[name]
        print(f"| {name} | {one['offered_per_s']:.0f} | {one['answered_per_s']:.0f} | {one['p50_ms']:.2f} | {one['p99_ms']:.2f} | "
              f"{one['p999_ms']:.2f} | {one['errors']} |")
    for name, one in zip(("fields", "products"), told["senders"]):
        print(f"{name}: {one['answered_per_s']:.0f}/s acknowledged, {one['refused']} refused, a request of {options.together} p50 {one['p50_ms']:.0f} ms, "
              f"longest {one['longest_ms']:.0f} ms")
    sys.stdout.flush()


if __name__ == "__main__":
    main()
