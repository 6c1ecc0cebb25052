#!/usr/bin/env python3
"""The best products of a store for a query, in Python:

    pip install .
    python3 examples/search.py STORE "red dress"
"""
import sys

import argosy


def main() -> int:
    if len(sys.argv) != 3:
        print("usage: search.py STORE QUERY", file=sys.stderr)
        return 2
    try:
        with argosy.Store(sys.argv[1]) as store:
            for one in store.search(sys.argv[2], k=5).results:
                print(f"{one.score:.4f}  {one.id}  {one.title}")
    except argosy.Error as failure:
        print(f"search: {failure}", file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
