#!/usr/bin/env python3
"""An example prints what `argosy search` finds, and says what is wrong.

    tests/library/example.py ARGOSY STORE COMMAND...      COMMAND STORE QUERY is the example
"""
import json
import subprocess
import sys

QUERIES = ("red dress", "blue shoes for men", "\u8fde\u8863\u88d9")


def run(command):
    return subprocess.run(command, stdin=subprocess.DEVNULL, capture_output=True, text=True)


def best(argosy, store, query):
    searched = run([argosy, "search", "--store", store, "--json", "-k", "5", query])
    assert searched.returncode == 0, searched.stderr
    return [f"{one['score']:.4f}  {one['id']}  {one['title']}" for one in json.loads(searched.stdout)["results"]]


def check(argosy, store, example):
    for query in QUERIES:
        end = run([*example, store, query])
        assert (end.returncode, end.stderr) == (0, ""), end
        expected = best(argosy, store, query)
        assert len(expected) == 5 and end.stdout.splitlines() == expected, (end.stdout, expected)
    end = run([*example, "/nowhere", "red"])
    assert end.returncode == 1 and end.stderr.startswith("search: /nowhere"), end
    end = run([*example, store, "!!!"])
    assert end.returncode == 1 and "word" in end.stderr, end
    end = run(example)
    assert end.returncode == 2 and end.stderr.startswith("usage: search"), end


if __name__ == "__main__":
    check(sys.argv[1], sys.argv[2], sys.argv[3:])
    print(f"{' '.join(sys.argv[3:])}: answers {len(QUERIES)} queries as argosy search does")
