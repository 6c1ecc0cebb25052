#!/usr/bin/env python3
"""`cmake --install` into a prefix that is moved afterwards, and the examples built against it outside the tree: by find_package(argosy),
and by pkg-config.

    tests/library/install.py BUILD SOURCE STORE
"""
import os
import pathlib
import shutil
import subprocess
import sys
import tempfile

import client_example
import example


WARNINGS = ("-Wall", "-Wextra", "-Wpedantic", "-Werror")


def run(*command, **more):
    return subprocess.run([str(part) for part in command], check=True, text=True, **more)


def by_find_package(prefix, examples, folder, argosy, store):
    quietly = {"stdout": subprocess.DEVNULL}
    run("cmake", "-S", examples, "-B", folder / "built", f"-DCMAKE_PREFIX_PATH={prefix}", "-DCMAKE_BUILD_TYPE=Release", **quietly)
    run("cmake", "--build", folder / "built", **quietly)
    for name in ("search_c", "search_cpp"):
        example.check(argosy, store, [str(folder / "built" / name)])
    client_example.check(argosy, store, [str(folder / "built" / "client_cpp")])
    print("find_package(argosy): the three examples answer")


def by_pkg_config(library, examples, folder, argosy, store):
    if shutil.which("pkg-config") is None:
        print("pkg-config: skipped, it is not there")
        return
    told = {**os.environ, "PKG_CONFIG_PATH": str(library / "pkgconfig")}
    for compiler, source, package, check in ((("cc", "-std=c99"), "search.c", "argosy", example.check),
                                             (("c++", "-std=c++17"), "search.cpp", "argosy", example.check),
                                             (("c++", "-std=c++17"), "client.cpp", "argosy_client", client_example.check)):
        flags = run("pkg-config", "--cflags", "--libs", f"{package} >= 0.1", env=told, capture_output=True).stdout.split()
        program = folder / source.replace(".", "_")
        run(*compiler, *WARNINGS, examples / source, *flags, f"-Wl,-rpath,{library}", "-o", program)
        check(argosy, store, [str(program)])
    print("pkg-config: the three examples answer")


def main():
    build, source, store = (pathlib.Path(argument) for argument in sys.argv[1:4])
    with tempfile.TemporaryDirectory() as name:
        folder = pathlib.Path(name)
        run("cmake", "--install", build, "--prefix", folder / "first", stdout=subprocess.DEVNULL)
        prefix = (folder / "first").rename(folder / "moved")
        examples = shutil.copytree(source / "examples", folder / "examples")
        library = next(prefix.rglob("libargosy.so")).parent
        argosy = prefix / "bin" / "argosy"
        by_find_package(prefix, examples, folder, argosy, store)
        by_pkg_config(library, examples, folder, argosy, store)


if __name__ == "__main__":
    main()
