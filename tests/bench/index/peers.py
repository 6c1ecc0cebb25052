#!/usr/bin/env python3
"""Other people's indexes over the same vectors and queries: a JSON line a point of recall against queries/s.

    peers.py --vectors base.npy --queries queries.npy --truth truth.npy [-k 10] [--threads 2] [--only hnswlib,usearch]

Built with all threads, searched with one, one query a call, as `argosy bench index` does with its own; it starts this script. Vectors are float32
rows, compared by inner product; truth holds the rows of the exact answers. A point: index, setting, recall, qps, bytes_per_vector, build_s,
open_s, call_s (the time of a call that has nothing to search: what Python itself costs). What is not installed is named in a line
{"index", "absent"}.  pip install numpy hnswlib faiss-cpu usearch
"""
import argparse
import json
import os
import sys
import tempfile
import time

import numpy as np


def say(**line):
    print(json.dumps(line), flush=True)


def median_seconds(search, queries, repeats=3):
    """Of one query, by one call each, over all queries; the best of a few rounds, since other work on the machine only ever adds."""
    rounds = []
    for _ in range(repeats):
        start = time.perf_counter()
        for query in queries:
            search(query)
        rounds.append((time.perf_counter() - start) / len(queries))
    return min(rounds)


def recall(search, queries, truth, k):
    found = sum(len(set(search(query)) & set(want[:k])) for query, want in zip(queries, truth))
    return found / (k * len(queries))


class bench:
    def __init__(self, args):
        self.k, self.threads = args.k, args.threads
        self.vectors = np.load(args.vectors)
        self.queries = np.load(args.queries)
        self.truth = [row.tolist() for row in np.load(args.truth)]
        self.rows = [np.ascontiguousarray(q[None, :]) for q in self.queries]

    def points(self, name, build, save, load, settings, empty):
        """build() -> index; save(index, path); load(path) -> index; settings: (text, search(index) -> rows of a query)."""
        start = time.perf_counter()
        index = build()
        build_s = time.perf_counter() - start
        with tempfile.TemporaryDirectory() as folder:
            path = os.path.join(folder, "index")
            save(index, path)
            size = os.path.getsize(path)
            del index
            start = time.perf_counter()
            index = load(path)
            open_s = time.perf_counter() - start
        call_s = median_seconds(empty, self.rows[:200])
        for text, make in settings:
            search = make(index)
            for query in self.rows[:20]:
                search(query)
            say(index=name, setting=text, recall=recall(search, self.rows, self.truth, self.k),
                qps=1 / median_seconds(search, self.rows), bytes_per_vector=size / len(self.vectors), build_s=build_s, open_s=open_s,
                call_s=call_s)


def run_hnswlib(on):
    import hnswlib
    columns = on.vectors.shape[1]

    def build():
        index = hnswlib.Index(space="ip", dim=columns)
        index.init_index(max_elements=len(on.vectors), M=16, ef_construction=200, random_seed=1)
        index.set_num_threads(on.threads)
        index.add_items(on.vectors)
        return index

    def load(path):
        index = hnswlib.Index(space="ip", dim=columns)
        index.load_index(path, max_elements=len(on.vectors))
        return index

    def at(ef):
        def make(index):
            index.set_num_threads(1)
            index.set_ef(ef)
            return lambda query: index.knn_query(query, k=on.k)[0][0].tolist()
        return make

    nothing = hnswlib.Index(space="ip", dim=columns)
    nothing.init_index(max_elements=1, M=16)
    nothing.add_items(on.vectors[:1])
    nothing.set_num_threads(1)
    on.points("hnswlib", build, lambda index, path: index.save_index(path), load,
              [(f"M=16 efc=200 ef={ef}", at(ef)) for ef in (10, 16, 24, 32, 48, 64, 96, 128, 192, 256, 384, 512)],
              lambda query: nothing.knn_query(query, k=1)[0][0].tolist())


def run_faiss(on, name, factory, settings):
    import faiss
    columns = on.vectors.shape[1]
    faiss.omp_set_num_threads(on.threads)

    def build():
        index = faiss.index_factory(columns, factory, faiss.METRIC_INNER_PRODUCT)
        index.train(on.vectors[np.random.default_rng(1).permutation(len(on.vectors))[: 200_000]])
        index.add(on.vectors)
        return index

    def at(setting):
        def make(index):
            faiss.omp_set_num_threads(1)
            faiss.ParameterSpace().set_index_parameters(index, setting)
            return lambda query: index.search(query, on.k)[1][0].tolist()
        return make

    nothing = faiss.IndexFlatIP(columns)
    nothing.add(on.vectors[:1])
    on.points(name, build, lambda index, path: faiss.write_index(index, path), faiss.read_index,
              [(f"{factory} {setting}", at(setting)) for setting in settings], lambda query: nothing.search(query, 1)[1][0].tolist())


def lists_for(rows):
    """FAISS's guideline of 4 sqrt(N) lists, a power of two."""
    return 1 << round(np.log2(4 * np.sqrt(rows)))


def run_faiss_hnsw(on):
    run_faiss(on, "faiss-hnsw", "HNSW16", [f"efSearch={ef}" for ef in (10, 16, 32, 64, 96, 128, 192, 256, 512)])


def run_faiss_ivf(on):
    run_faiss(on, "faiss-ivf", f"IVF{lists_for(len(on.vectors))},Flat", [f"nprobe={n}" for n in (1, 2, 4, 8, 16, 32, 64, 128)])


def run_faiss_fast_scan(on):
    # 64 bytes of codes and 256 of int8 to rank with: the memory of our own.
    lists, half = lists_for(len(on.vectors)), on.vectors.shape[1] // 2
    settings = [f"nprobe={n},k_factor_rf={f}" for n in (4, 8, 16, 32, 64, 128, 256) for f in (5, 10, 20)]
    run_faiss(on, "faiss-ivf-pq-fast-scan", f"IVF{lists},PQ{half}x4fs,Refine(SQ8)", settings)
    run_faiss(on, "faiss-opq-ivf-pq-fast-scan", f"OPQ{half // 2},IVF{lists},PQ{half // 2}x4fs,Refine(SQ8)", settings)


def run_usearch(on):
    from usearch.index import Index
    columns = on.vectors.shape[1]

    def build():
        index = Index(ndim=columns, metric="ip", dtype="f32", connectivity=16, expansion_add=200)
        index.add(np.arange(len(on.vectors), dtype=np.uint64), on.vectors, threads=on.threads)
        return index

    def at(expansion):
        def make(index):
            index.expansion_search = expansion
            return lambda query: index.search(query[0], on.k, threads=1).keys.tolist()
        return make

    nothing = Index(ndim=columns, metric="ip", dtype="f32")
    nothing.add(np.zeros(1, dtype=np.uint64), on.vectors[:1])
    on.points("usearch", build, lambda index, path: index.save(path), lambda path: Index.restore(path),
              [(f"connectivity=16 expansion={e}", at(e)) for e in (10, 16, 32, 64, 96, 128, 192, 256, 512)],
              lambda query: nothing.search(query[0], 1, threads=1).keys.tolist())


peers = {
    "hnswlib": ("hnswlib", run_hnswlib),
    "faiss-hnsw": ("faiss", run_faiss_hnsw),
    "faiss-ivf": ("faiss", run_faiss_ivf),
    "faiss-ivf-pq-fast-scan": ("faiss", run_faiss_fast_scan),
    "usearch": ("usearch", run_usearch),
}


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    for name in ("--vectors", "--queries", "--truth"):
        parser.add_argument(name, required=True)
    parser.add_argument("-k", type=int, default=10)
    parser.add_argument("--threads", type=int, default=os.cpu_count())
    parser.add_argument("--only", default="", help="names, with commas between them: " + ", ".join(peers))
    args = parser.parse_args()
    wanted = [name for name in args.only.split(",") if name]
    unknown = [name for name in wanted if name not in peers]
    if unknown:
        parser.error(f"--only: want some of {', '.join(peers)}, found {', '.join(unknown)}")
    on = bench(args)
    for name, (module, run) in peers.items():
        if wanted and name not in wanted:
            continue
        try:
            __import__(module)
        except ImportError as absent:
            say(index=name, absent=str(absent))
            continue
        print(f"{name}: building", file=sys.stderr, flush=True)
        run(on)


if __name__ == "__main__":
    main()
