#!/usr/bin/env python3
"""libargosy.so shows the functions that argosy.h declares, under one version, and nothing else.

    tests/library/symbols.py LIBRARY HEADER
"""
import pathlib
import re
import shutil
import subprocess
import sys


def main():
    library, header = sys.argv[1], pathlib.Path(sys.argv[2])
    if shutil.which("nm") is None:
        print("skipped: no nm")
        return 77
    listed = subprocess.run(["nm", "--dynamic", "--defined-only", library], check=True, capture_output=True, text=True).stdout
    shown = {line.split()[-1] for line in listed.splitlines()}
    declared = set(re.findall(r"^(?:const )?\w+ \*?(argosy_\w+)\(", header.read_text(), re.MULTILINE))
    wanted = {f"{name}@@ARGOSY_0" for name in declared}
    shown.discard("ARGOSY_0")  # the name of the version itself
    assert len(declared) > 15, declared
    assert shown == wanted, f"shown and not declared: {sorted(shown - wanted)[:20]}; declared and not shown: {sorted(wanted - shown)}"
    print(f"{len(declared)} functions, and nothing else")
    return 0


if __name__ == "__main__":
    sys.exit(main())
