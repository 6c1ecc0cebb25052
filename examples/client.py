#!/usr/bin/env python3
"""The best products for a query, asked of a server (argosy serve --zmq ENDPOINT), in Python:

    pip install .
    python3 examples/client.py tcp://127.0.0.1:5555 "red dress"
"""
import sys

import argosy


def main() -> int:
    if len(sys.argv) != 3:
        print("usage: client.py ENDPOINT QUERY", file=sys.stderr)
        return 2
    try:
        with argosy.Client(sys.argv[1]) as client:
            for one in client.search(sys.argv[2], k=5).results:
                print(f"{one.score:.4f}  {one.id}  {one.title}")
    except argosy.Error as failure:
        print(f"client: {failure}", file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
