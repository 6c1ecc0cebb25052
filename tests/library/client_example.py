#!/usr/bin/env python3
"""An example of a client prints what `argosy search` finds, asked of a server, and says what is wrong.

    tests/library/client_example.py ARGOSY STORE COMMAND...      COMMAND ENDPOINT QUERY is the example
"""
import sys

import example
import served


def check(argosy, store, asked):
    with served.serving(argosy, store) as endpoint:
        for query in example.QUERIES:
            end = example.run([*asked, endpoint, query])
            assert (end.returncode, end.stderr) == (0, ""), end
            expected = example.best(argosy, store, query)
            assert len(expected) == 5 and end.stdout.splitlines() == expected, (end.stdout, expected)
        end = example.run([*asked, endpoint, "!!!"])
        assert end.returncode == 1 and end.stderr.startswith("client: ") and "word" in end.stderr, end
    end = example.run([*asked, "nowhere", "red"])
    assert end.returncode == 1 and end.stderr.startswith("client: nowhere: "), end
    end = example.run(asked)
    assert end.returncode == 2 and end.stderr.startswith("usage: client"), end


if __name__ == "__main__":
    check(sys.argv[1], sys.argv[2], sys.argv[3:])
    print(f"{' '.join(sys.argv[3:])}: a server answers {len(example.QUERIES)} queries as argosy search does")
