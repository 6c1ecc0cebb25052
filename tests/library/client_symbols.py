#!/usr/bin/env python3
"""libargosy_client.so shows the members of argosy::client, under one version, and nothing else.

    tests/library/client_symbols.py LIBRARY
"""
import re
import shutil
import subprocess
import sys

WANTED = {"client", "~client", "operator=", "search", "search_many"}


def main():
    if shutil.which("nm") is None:
        print("skipped: no nm")
        return 77
    command = ["nm", "--dynamic", "--defined-only", "--demangle", sys.argv[1]]
    listed = subprocess.run(command, check=True, capture_output=True, text=True).stdout
    shown = [line.split(maxsplit=2)[2] for line in listed.splitlines()]
    members = set()
    for one in shown:
        if one == "ARGOSY_CLIENT_0":  # the name of the version itself
            continue
        found = re.fullmatch(r"argosy::client::([\w~=]+)(?:\[abi:cxx11\])?\(.*\)@@ARGOSY_CLIENT_0", one)
        assert found, f"shown and no member: {one}"
        members.add(found[1])
    assert members == WANTED, f"want {sorted(WANTED)}, found {sorted(members)}"
    print(f"{len(members)} members, and nothing else")
    return 0


if __name__ == "__main__":
    sys.exit(main())
