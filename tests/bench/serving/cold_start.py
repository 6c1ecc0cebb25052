#!/usr/bin/env python3
"""How long `argosy serve` takes from exec to its first right answer over HTTP, over a store of a million products of width 256.

    tests/bench/serving/cold_start.py --argosy build/argosy --store STORE [--products 1000000] [--rounds 5]
        [--query TEXT] [--json]

STORE is made where it is not there, once, by the commands a user has: a catalogue of invented products (title, brand, category, colour,
price, no photographs, which is what makes it cheap) is written, `prepare` and `train` make a model of width 256 with one layer of 16
features from its first thousand, and `publish` embeds all. The vectors carry little meaning; every file of the store has the size and the
checks of a real one of that many titles. Making it takes a minute or a few and more than a gigabyte of memory.

A cold round first writes the store's files to the disk (fsync) and asks the kernel to let them go (posix_fadvise, DONTNEED), and says how
many of their bytes stayed in the page cache (fincore of util-linux; where it is missing, the table says -). What a disk or a host beneath
keeps by itself is not known. The program and its libraries stay warm. A warm round follows it. Time is from before the fork until the whole
answer has come; it is right when the server gives the same products and scores later, and when every round gives the same. Between tries
that are refused the script waits a millisecond.
"""
import argparse
import http.client
import json
import os
import pathlib
import random
import shutil
import socket
import statistics
import subprocess
import sys
import tempfile
import time
import urllib.parse

TINY_MODEL = (pathlib.Path(__file__).parent.parent.parent / "support" / "tiny_model.toml").read_text()
RECIPE = TINY_MODEL.replace("projection = 16", "projection = 256") + """
[train]
batch = 16
steps = 40

[negatives]
bank = 64
"""
TRAINED_ON = 1000
SYLLABLES = "ba cor dan el fir gu hem jo kar lin mo nes or pel ri sa tor um vel zi".split()


def words_of(random_words, count):
    found = set()
    while len(found) < count:
        found.add("".join(random_words.choices(SYLLABLES, k=random_words.randint(2, 4))))
    return sorted(found)


def write_catalogue(folder, products):
    draw = random.Random(3)
    words = words_of(draw, 20000)
    brands, categories = [f"{word}s" for word in words_of(draw, 2000)], [f"{word}a" for word in words_of(draw, 200)]
    colours = ["red", "green", "blue", "black", "white", "yellow", "grey", "brown"]
    # ids in no order, as those of a real catalogue: by id, products lie all over the file
    with open(folder / "products.jsonl", "w") as out, open(folder / "few.jsonl", "w") as few, open(folder / "log.tsv", "w") as log:
        log.write("query\tproduct_id\n")
        for number in range(products):
            brand, category, colour = draw.choice(brands), draw.choice(categories), draw.choice(colours)
            # squared: some words are in many titles, most in few
            said = [words[int(len(words) * draw.random() ** 2)] for _ in range(4)]
            title = " ".join([brand, colour, *said, category])
            product = {"id": f"p{number * 7368787 % 10**7:07}", "title": title, "brand": brand, "category": category, "colour": colour,
                       "price": draw.randint(5, 500)}
            line = json.dumps(product) + "\n"
            out.write(line)
            if number < TRAINED_ON:
                few.write(line)
                for word in said:
                    log.write(f"{word} {category}\t{product['id']}\n")


def make_store(argosy, store, products):
    with tempfile.TemporaryDirectory(dir=store.parent) as place:
        folder = pathlib.Path(place)
        write_catalogue(folder, products)
        (folder / "tiny.toml").write_text(RECIPE)
        for command in (
            f"prepare --catalogue {folder}/few.jsonl --log {folder}/log.tsv --out {folder}/data --vocab-size 2000",
            f"train --data {folder}/data --recipe {folder}/tiny.toml --run {folder}/run",
            f"publish --run {folder}/run --catalogue {folder}/products.jsonl --store {folder}/store",
        ):
            start = time.monotonic()
            subprocess.run([argosy, *command.split()], check=True, stdin=subprocess.DEVNULL, stdout=sys.stderr)
            print(f"{command.split()[0]}: {time.monotonic() - start:.0f} s", file=sys.stderr)
        shutil.move(folder / "store", store)


def files_of(store):
    return sorted(path for path in store.rglob("*") if path.is_file())


def let_go(store):
    for path in files_of(store):
        held = os.open(path, os.O_RDONLY)
        os.fsync(held)
        os.posix_fadvise(held, 0, 0, os.POSIX_FADV_DONTNEED)
        os.close(held)


def in_memory(store):
    """Bytes of the store's files in the page cache; None without fincore."""
    if shutil.which("fincore") is None:
        return None
    told = subprocess.check_output(["fincore", "--bytes", "--noheadings", "--output", "res", *map(str, files_of(store))], text=True)
    return sum(map(int, told.split()))


def ask(port, query):
    """What is answered but for the time it took; None before anybody listens."""
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=30)
    try:
        connection.request("GET", "/v1/search?k=10&q=" + urllib.parse.quote(query))
        reply = connection.getresponse()
        if reply.status != 200:
            sys.exit(f"{reply.status}: {reply.read().decode()}")
        answer = json.loads(reply.read())
    except ConnectionRefusedError:
        return None
    finally:
        connection.close()
    answer.pop("seconds")
    return answer


class Round:
    def __init__(self, options):
        self.in_memory = in_memory(options.store)
        port = free_port()
        words = [options.argosy, "serve", "--store", str(options.store), "--http", f"127.0.0.1:{port}", "--threads", "1"]
        start = time.monotonic()
        server = subprocess.Popen(words, stdout=subprocess.DEVNULL)
        try:
            self.answer = None
            while self.answer is None:
                if server.poll() is not None:
                    sys.exit(f"the server ended with {server.returncode}: {' '.join(words)}")
                self.answer = ask(port, options.query)
                if self.answer is None:
                    time.sleep(0.001)
            self.seconds = time.monotonic() - start
            self.processor_seconds = processor_seconds(server.pid)
            self.resident = resident_bytes(server.pid)
            self.in_memory_after = in_memory(options.store)
            start = time.monotonic()
            if ask(port, options.query) != self.answer:
                sys.exit(f"asked again, `{options.query}` is answered by something else")
            self.next_seconds = time.monotonic() - start
        finally:
            server.terminate()
            server.wait()

    def figures(self):
        return {key: value for key, value in vars(self).items() if key != "answer"}


def free_port():
    with socket.socket() as one:
        one.bind(("127.0.0.1", 0))
        return one.getsockname()[1]


def resident_bytes(process):
    lines = pathlib.Path(f"/proc/{process}/status").read_text().splitlines()
    return next(1024 * int(line.split()[1]) for line in lines if line.startswith("VmRSS"))


def median_megabytes(bytes_of_rounds):
    return "-" if None in bytes_of_rounds else f"{statistics.median(bytes_of_rounds) / 1e6:,.1f}"


def processor_seconds(process):
    """Of all threads; those that ended, of which a start has none, would be missing."""
    threads = pathlib.Path(f"/proc/{process}/task").glob("*/schedstat")
    return sum(int(one.read_text().split()[0]) for one in threads) / 1e9


def measure(options):
    rounds = {"cold": [], "warm": []}
    for number in range(options.rounds):
        for name, found in rounds.items():
            if name == "cold":
                let_go(options.store)
            found.append(Round(options))
            print(f"round {number + 1}: {name}: {found[-1].seconds:.3f} s", file=sys.stderr)
    every = [one.answer for found in rounds.values() for one in found]
    if any(answer != every[0] for answer in every):
        sys.exit("rounds were answered differently")
    if not every[0]["results"]:
        sys.exit(f"nothing answers `{options.query}`")
    return rounds


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--argosy", default="build/argosy")
    parser.add_argument("--store", type=pathlib.Path, required=True)
    parser.add_argument("--products", type=int, default=1_000_000)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--query", default="red corba lindan")
    parser.add_argument("--json", action="store_true")
    options = parser.parse_args()
    if not options.store.exists():
        make_store(options.argosy, options.store, options.products)
    rounds = measure(options)
    size = sum(path.stat().st_size for path in files_of(options.store))
    if options.json:
        told = {name: [one.figures() for one in found] for name, found in rounds.items()}
        print(json.dumps({"store_bytes": size, "query": options.query, "rounds": told}, indent=2))
        return
    print(f"{size / 1e6:,.0f} MB; the query `{options.query}`\n")
    print("| | first right answer, s: median (range) | processor, s | asked again, ms | MB in memory before | after | MB resident |")
    print("|---|---|---|---|---|---|---|")
    for name, found in rounds.items():
        seconds = [one.seconds for one in found]
        mega = [median_megabytes([getattr(one, key) for one in found]) for key in ("in_memory", "in_memory_after", "resident")]
        used, again = (statistics.median(getattr(one, key) for one in found) for key in ("processor_seconds", "next_seconds"))
        print(f"| {name} | {statistics.median(seconds):.3f} ({min(seconds):.3f} to {max(seconds):.3f}) | {used:.3f} | {again * 1e3:.2f} | "
              + " | ".join(mega) + " |")


if __name__ == "__main__":
    main()
