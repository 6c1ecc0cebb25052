#!/usr/bin/env python3
"""Argosy's embeddings against PyTorch, and, where it can be imported, against transformers' BertModel.

    tests/parity/torch_parity.py FOLDER     the folder that models.py made
"""
import sys

try:
    import torch
except ImportError:
    print("skipped: no torch for this Python (Debian: python3-torch)")
    sys.exit(77)
try:
    from transformers import BertModel
except ImportError:
    BertModel = None

import numpy

import parity
from torch_model import RetrievalModel


def compare_with_transformers(name, folder, model, ids, mask):
    """The query tower as its users load it."""
    if BertModel is None:
        return True
    loaded = BertModel.from_pretrained(folder / "exported/query", add_pooling_layer=False).eval()
    found = loaded(input_ids=ids, attention_mask=mask).last_hidden_state * mask[:, :, None]
    want = model.text("query", ids, mask.double()) * mask[:, :, None]
    return parity.compare(f"{name}, transformers", found.numpy(), want.numpy())


def compare_model(name, shop, folder):
    settings = shop.model.settings
    model = RetrievalModel(folder / "exported", settings.get("model.cosine", True))
    ids, mask = map(torch.from_numpy, shop.query_tokens())
    queries = model.queries(ids, mask)
    products = model.products(*map(torch.from_numpy, (*shop.title_tokens(), *shop.patches())))
    return [parity.compare(f"{name}, queries", numpy.load(folder / "query.npy"), queries.numpy()),
            parity.compare(f"{name}, products", numpy.load(folder / "product.npy"), products.numpy()),
            compare_with_transformers(name, folder, model, ids, mask)]


def main():
    with torch.no_grad():
        good = [good for name, shop, folder in parity.models_in(sys.argv[1]) for good in compare_model(name, shop, folder)]
    print("transformers: " + ("compared too" if BertModel else "not installed, left out"))
    return 0 if all(good) else 1


if __name__ == "__main__":
    sys.exit(main())
