#!/usr/bin/env python3
"""Is the PyTorch model Argosy's? Trains a few steps with Argosy, then compares, from Argosy's own checkpoint of its first step:

    losses and gradient norms   of the steps after it, on the same batches, weights and moments, against metrics.jsonl
    vectors of products         of the last checkpoint, against the index that Argosy publishes

    python same_model.py --argosy build/argosy [--data PREPARED --recipe RECIPE]

Without --data a small demo shop is made. Dropout is set to 0: the two draw different numbers. Exits with 0 when all agree, 1 when not,
77 when there is no torch.
"""
import argparse
import json
import pathlib
import struct
import sys
import tempfile

try:
    import numpy as np
    import torch
    import torch.nn.functional as F
except ImportError as missing:
    print(f"skipped: {missing}: pip install -r tests/bench/pytorch/requirements.txt")
    sys.exit(77)

from prepared import Loader, PreparedData, read_container
from program import run, set_all
from recipe import MATCHING_ONLY, load_recipe
from train import LAYOUTS, Trainer, make_ready

SMALL = ["model.hidden=48", "model.heads=3", "model.feed_forward=96", "model.query_layers=2", "model.title_layers=2",
         "model.image_layers=2", "model.projection=24", "train.batch=32", "negatives.bank=80", "negatives.bank_start=0.2"]
STEPS = 8
# Sums in another order differ by 1e-6, and the first steps of AdamW divide gradients that are little more than rounding by their own size:
# gradient norms then differ by 3e-5. A wrong weight of the bank differs by .6, log p left out by 5.
WITHIN = 3e-4



def attention(q, k, v, attn_mask=None):
    """Scaled-dot-product attention for PyTorch 1.13, which is Debian's and has none."""
    scores = q @ k.transpose(-1, -2) / q.shape[-1] ** 0.5
    if attn_mask is not None:
        scores = scores.masked_fill(~attn_mask, float("-inf"))
    return scores.softmax(-1) @ v


if not hasattr(F, "scaled_dot_product_attention"):
    F.scaled_dot_product_attention = attention


def read_safetensors(path):
    content = path.read_bytes()
    size = struct.unpack_from("<Q", content)[0]
    header = json.loads(content[8 : 8 + size])
    header.pop("__metadata__", None)
    tensors = {}
    for name, at in header.items():
        begin, end = at["data_offsets"]
        tensors[name] = torch.from_numpy(np.frombuffer(content[8 + size + begin : 8 + size + end], "<f4").reshape(at["shape"]).copy())
    return tensors


def argosy_names(name):
    """The parameters of Argosy (model/parameters.hpp) that lie one below the other in this one of ours."""
    name = name.replace("layers.", "").replace("type_row", "type")
    name = name.replace("project_", "project.").replace("adapt.up", "adapt.gate.up").replace("adapt.down", "adapt.gate.down")
    if ".qkv." in name:
        return [name.replace(".qkv.", f".{part}.") for part in "qkv"]
    if ".kv." in name:
        return [name.replace(".kv.", f".{part}.") for part in "kv"]
    return [name]


def tensor_of(parameter, name, tensors, suffix=""):
    names = argosy_names(name)
    if name in ("query_token", "title_token"):
        own = name.replace("_", ".") + suffix
        names = [own.removesuffix(suffix) if own in tensors else "token"]
    return torch.cat([tensors[n + suffix].flatten() for n in names]).view_as(parameter)


def load(trainer, checkpoint, steps_done):
    """Weights, and AdamW's moments as they are after `steps_done` steps."""
    weights, moments = (read_safetensors(checkpoint / f"{kind}.safetensors") for kind in ("model", "moments"))
    ours = sum(p.numel() for p in trainer.model.parameters())
    theirs = sum(t.numel() for t in weights.values())
    if ours != theirs:
        raise ValueError(f"{checkpoint}: want {ours} numbers, found {theirs}")
    for name, parameter in trainer.model.named_parameters():
        parameter.data.copy_(tensor_of(parameter, name, weights))
        trainer.optimiser.state[parameter] = {
            "step": torch.tensor(float(steps_done)),
            "exp_avg": tensor_of(parameter, name, moments, ".first"),
            "exp_avg_sq": tensor_of(parameter, name, moments, ".second"),
        }
    bank = checkpoint / "bank-0.argosy"
    if len(trainer.bank.product) and bank.exists():
        entries = read_container(bank, "memory-bank", 1)
        embedding = torch.from_numpy(entries["embedding"].reshape(-1, trainer.bank.embedding.shape[1]).astype(np.float32))
        trainer.bank.push(embedding, entries["product"], torch.from_numpy(entries["log_p"].astype(np.float32)))
    return ours


def overrides(options):
    more = [f"train.steps={STEPS}", "model.dropout=0", "checkpoint.every=1", f"checkpoint.keep={STEPS + 1}"]
    return MATCHING_ONLY + ([] if options.data else SMALL) + options.set + more


def train_with_argosy(options, folder):
    """The prepared data, Argosy's run over it and the index of its products."""
    argosy, data = options.argosy, options.data
    if not data:
        data = folder / "data"
        shop = folder / "shop"
        run(argosy, "demo-shop", shop, "--products", 300)
        run(argosy, "prepare", "--catalogue", shop / "products.jsonl.gz", "--images", shop / "images.tar", "--log",
            shop / "train_log.tsv.gz", "--out", data, "--vocab-size", 600)
    run(argosy, "train", "--data", data, "--recipe", options.recipe, "--run", folder / "run", *set_all(overrides(options)))
    run(argosy, "publish", "--run", folder / "run", "--data", data, "--store", folder / "store")
    return data, folder / "run", folder / "store" / "generations" / "000001"


def apart(ours, theirs):
    return float(np.abs(np.asarray(ours) - np.asarray(theirs)).max() / max(1.0, np.abs(theirs).max()))


def compare_steps(trainer, data, run_folder, layout):
    metrics = [json.loads(line) for line in (run_folder / "metrics.jsonl").read_text().splitlines()]
    parameters = load(trainer, run_folder / "checkpoints" / "00000001", 1)
    loader = Loader(data, trainer.recipe["train"]["batch"], trainer.recipe["train"]["seed"])
    reports = [trainer.step(make_ready(loader(step), layout), step) for step in range(1, STEPS)]
    return parameters, {
        "loss": apart([r.loss.item() for r in reports], [m["loss"] for m in metrics[1:]]),
        "gradient norm": apart([r.gradient_norm.item() for r in reports], [m["gradient_norm"] for m in metrics[1:]]),
    }


def compare_vectors(trainer, data, run_folder, generation, layout):
    load(trainer, run_folder / "checkpoints" / f"{STEPS:08}", STEPS)
    index = read_container(generation / "index.argosy", "index-flat", 1)
    count = min(256, int(index["shape"][0]))
    theirs = index["vectors"].reshape(-1, int(index["shape"][1]))[:count]
    ready = make_ready(data.products(np.arange(count)), layout)
    with torch.inference_mode():
        return apart(trainer.model.embed_products(ready.title, ready.patch, ready.present), theirs)


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    root = pathlib.Path(__file__).resolve().parents[3]
    parser.add_argument("--argosy", type=pathlib.Path, default=root / "build" / "argosy", help="the program")
    parser.add_argument("--data", type=pathlib.Path, help="prepared data")
    parser.add_argument("--recipe", type=pathlib.Path, default=root / "recipes" / "fashion-small.toml")
    parser.add_argument("--set", action="append", default=[], metavar="TABLE.KEY=VALUE", help="overrides the recipe, for both")
    options = parser.parse_args()
    torch.manual_seed(1)
    worst = 0.0
    with tempfile.TemporaryDirectory() as scratch:
        try:
            data_folder, run_folder, generation = train_with_argosy(options, pathlib.Path(scratch))
            recipe, data = load_recipe(options.recipe, overrides(options)), PreparedData(data_folder)
            for layout in LAYOUTS:
                trainer = Trainer(recipe, data)
                parameters, found = compare_steps(trainer, data, run_folder, layout)
                found["product vectors"] = compare_vectors(trainer, data, run_folder, generation, layout)
                for what, distance in found.items():
                    print(f"{layout:<8} {what:<16} differs by {distance:.1e}")
                worst = max(worst, *found.values())
        except (ValueError, OSError) as error:
            sys.exit(f"same_model.py: {error}")
    verdict = "yes" if worst < WITHIN else "NO"
    print(f"{parameters:,} parameters in both; the largest difference is {worst:.1e}, within {WITHIN:g}: {verdict}")
    sys.exit(0 if worst < WITHIN else 1)


if __name__ == "__main__":
    main()
