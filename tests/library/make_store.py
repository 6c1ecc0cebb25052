#!/usr/bin/env python3
"""A small store for the examples and the Python package: a demo shop of sixty products, prepared, trained for some steps, published.

    tests/library/make_store.py ARGOSY FOLDER      the store is FOLDER/store; FOLDER is made anew
"""
import pathlib
import shutil
import subprocess
import sys

RECIPE = (pathlib.Path(__file__).parent.parent / "support" / "tiny_model.toml").read_text() + """
[train]
batch = 16
steps = 40

[negatives]
bank = 64
"""


def main():
    argosy, folder = sys.argv[1], pathlib.Path(sys.argv[2])
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    (folder / "tiny.toml").write_text(RECIPE)
    shop = folder / "shop"
    for command in (
        f"demo-shop {shop} --products 60 --seed 3 --log-lines 400",
        f"prepare --catalogue {shop}/products.jsonl.gz --images {shop}/images.tar --log {shop}/train_log.tsv.gz --out {folder}/data"
        " --vocab-size 500",
        f"train --data {folder}/data --recipe {folder}/tiny.toml --run {folder}/run",
        f"publish --run {folder}/run --data {folder}/data --store {folder}/store",
    ):
        subprocess.run([argosy, *command.split()], check=True, stdin=subprocess.DEVNULL)


if __name__ == "__main__":
    main()
