#!/usr/bin/env python3
"""Makes what the parity tests compare: each model of parity.MODELS is trained by argosy, embeds its shop, and is exported.

    tests/parity/models.py ARGOSY FOLDER     FOLDER is made anew; per model: initial data run query.npy product.npy exported onnx
"""
import pathlib
import shutil
import sys

try:
    import numpy
except ImportError:
    print("skipped: no numpy for this Python")
    sys.exit(77)

import bert_checkpoint
import parity


def make(argosy, name, model, folder):
    shop = parity.Shop(model)
    shop.write(folder / "shop")
    (folder / "recipe.toml").write_text(parity.toml(model.settings))
    initial = []
    if model.checkpoint:
        bert_checkpoint.write(folder / "bert", len(shop.pieces), model.query_length)
        parity.run_argosy(argosy, "import", "--from", folder / "bert/model.safetensors", "--vocab", folder / "shop/vocab.txt", "--out",
                          folder / "initial")
        initial = ["--initial", folder / "initial"]
    parity.run_argosy(argosy, "prepare", "--catalogue", folder / "shop/products.jsonl", "--images", folder / "shop/images", "--log",
                      folder / "shop/log.tsv", "--vocab", folder / "shop/vocab.txt", "--out", folder / "data", "--query-length",
                      model.query_length, "--title-length", model.title_length, "--image-width", model.width, "--image-height", model.height)
    parity.run_argosy(argosy, "train", "--data", folder / "data", "--recipe", folder / "recipe.toml", "--run", folder / "run", *initial)
    parity.run_argosy(argosy, "embed", "--run", folder / "run", "--queries", folder / "shop/queries.txt", "--out", folder / "query.npy")
    parity.run_argosy(argosy, "embed", "--run", folder / "run", "--data", folder / "data", "--out", folder / "product.npy")
    parity.run_argosy(argosy, "export", "--run", folder / "run", "--safetensors", folder / "exported", "--onnx", folder / "onnx")
    shutil.rmtree(folder / "run")  # with the optimiser's moments: three times the weights
    print(f"{name}: {numpy.load(folder / 'product.npy').shape[1]} columns")


def main():
    argosy, folder = sys.argv[1], pathlib.Path(sys.argv[2])
    shutil.rmtree(folder, ignore_errors=True)
    for name, model in parity.MODELS.items():
        make(argosy, name, model, folder / name)
    (folder / "made").touch()


if __name__ == "__main__":
    main()
