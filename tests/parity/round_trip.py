#!/usr/bin/env python3
"""A BERT-base checkpoint with random weights that was imported, trained one step at rate 0, and exported, came back bit for bit.

What Argosy's encoders have no use for does not come back, and `argosy import` says so: the pooler and the second row of types.

    tests/parity/round_trip.py FOLDER     the folder that models.py made
"""
import sys

try:
    import numpy
except ImportError:
    print("skipped: no numpy for this Python")
    sys.exit(77)

import parity
import tensor_files


def differences(before, after, kept):
    for name in kept:
        was, now = before[name], after.get(name)
        if name == "embeddings.token_type_embeddings.weight":
            was = was[:1]
        if now is None or now.shape != was.shape or now.tobytes() != was.tobytes():
            yield name
    yield from (f"{name}, which was not there" for name in after.keys() - set(kept))


def check_tower(tower, folder, before):
    after = tensor_files.read(folder / "exported" / tower / "model.safetensors")
    kept = [name for name in before if not name.startswith("pooler.")]
    if tower == "image":  # words, places and types of pieces are none of a patch's
        own = [f"embeddings.{kind}_embeddings.weight" for kind in ("word", "position", "token_type")]
        kept = [name for name in kept if name not in own]
        after = {name: tensor for name, tensor in after.items() if name not in own}
    wrong = list(differences(before, after, kept))
    print(f"{tower}: {len(kept)} tensors, {len(wrong)} changed", *wrong, sep="\n  ")
    return len(kept) > 190 and not wrong


def main():
    imported = [(name, folder) for name, shop, folder in parity.models_in(sys.argv[1]) if shop.model.checkpoint]
    good = [check_tower(tower, folder, tensor_files.read(folder / "bert/model.safetensors"))
            for _, folder in imported for tower in ("query", "title", "image")]
    return 0 if good and all(good) else 1


if __name__ == "__main__":
    sys.exit(main())
