#!/usr/bin/env python3
"""`pip install .` of the tree, and the package's own tests on what it installed. Skipped where this Python has no scikit-build-core
(tools/setup --developer) and where there is no ccache: it compiles again what the build has compiled.

    tests/library/pip_install.py SOURCE ARGOSY STORE
"""
import importlib.util
import os
import pathlib
import shutil
import subprocess
import sys
import tempfile


def main():
    source, argosy, store = sys.argv[1:4]
    if importlib.util.find_spec("scikit_build_core") is None or shutil.which("ccache") is None:
        print("skipped: no scikit-build-core, or no ccache")
        return 77
    with tempfile.TemporaryDirectory() as folder:
        # The compiler by the name that CMake gave it: for ccache another name is another compiler.
        told = {**os.environ, "CC": "cc", "CXX": "c++"}
        pip = [sys.executable, "-m", "pip", "install", "--quiet", "--no-build-isolation", "--no-deps", "--target", folder, source]
        subprocess.run(pip, check=True, env=told)
        installed = {**os.environ, "PYTHONPATH": folder, "ARGOSY_BINARY": argosy, "ARGOSY_STORE": store}
        tests = pathlib.Path(__file__).parent / "python_package.py"
        return subprocess.run([sys.executable, "-B", tests], env=installed).returncode


if __name__ == "__main__":
    sys.exit(main())
