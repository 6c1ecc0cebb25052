#!/usr/bin/env python3
"""Argosy's embeddings against its exported graphs in ONNX Runtime, whole batches and alone.

    tests/parity/onnx_parity.py FOLDER     the folder that models.py made
"""
import sys

try:
    import onnxruntime
except ImportError:
    print("skipped: no onnxruntime for this Python (tools/setup --developer)")
    sys.exit(77)

import numpy

import parity


def opened(path):
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = 2
    return onnxruntime.InferenceSession(str(path), options, providers=["CPUExecutionProvider"])


def embed(session, inputs):
    """Of the inputs, those that the graph has."""
    names = {wanted.name for wanted in session.get_inputs()}
    return session.run(["embedding"], {name: array for name, array in inputs.items() if name in names})[0]


def compare_tower(what, session, inputs, want):
    whole = embed(session, inputs)
    alone = numpy.concatenate([embed(session, {name: array[i : i + 1] for name, array in inputs.items()}) for i in (0, 1, 3)])
    return [parity.compare(what, whole, want), parity.compare(f"{what}, alone", alone, want[[0, 1, 3]])]


def compare_model(name, shop, folder):
    ids, mask = shop.query_tokens()
    title_ids, title_mask = shop.title_tokens()
    patches, has_image = shop.patches()
    query = {"input_ids": ids, "attention_mask": mask}
    product = {"title_ids": title_ids, "title_mask": title_mask, "patches": patches, "has_image": has_image}
    return [*compare_tower(f"{name}, queries", opened(folder / "onnx/query.onnx"), query, numpy.load(folder / "query.npy")),
            *compare_tower(f"{name}, products", opened(folder / "onnx/product.onnx"), product, numpy.load(folder / "product.npy"))]


def main():
    good = [good for name, shop, folder in parity.models_in(sys.argv[1]) for good in compare_model(name, shop, folder)]
    return 0 if all(good) else 1


if __name__ == "__main__":
    sys.exit(main())
