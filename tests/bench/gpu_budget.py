#!/usr/bin/env python3
"""Bytes and flops of every kernel of a training step on a GPU, and the time each should take: the tables of docs/gpu-budget.md.

Counted are the fewest passes over memory that the kernel's operands need, each read once and written once, and the multiplications and
additions of its products. The time is the longer of the two by the ceilings given. Lengths are those of the fashion catalogue.

    gpu_budget.py [--pairs 1024] [--bank 65536] [--product 790] [--tf32 390] [--plain 50] [--copy 4.3] [--json]
"""
import argparse
import json
from typing import NamedTuple

BF16, F32 = 2, 4
WIDTH, HEADS, FORWARD, LAYERS, PROJECTION, VOCABULARY = 768, 12, 3072, 12, 256, 21128
MASKED, SECOND_QUERIES, PATCHES, PATCH_BYTES = 0.15, 0.5, 16, 900
# Mean length and mean square of it: queries and titles of the fashion catalogue; images are always 17 rows.
QUERY, TITLE, IMAGE = (5.9, 38.0), (7.2, 57.0), (17.0, 289.0)


class Kernel(NamedTuple):
    name: str
    count: float  # launches in a step
    flops: float  # of one
    bytes: float  # of one
    unit: str  # which rate: product (bf16), tf32, plain (float32)


def product(name, count, rows, inner, columns, out=BF16, accumulates=False, unit="product", of=BF16):
    moved = (rows * inner + inner * columns) * of + rows * columns * out * (2 if accumulates else 1)
    return Kernel(name, count, 2 * rows * inner * columns, moved, unit)


def memory(name, count, elements, element=BF16, extra=0):
    return Kernel(name, count, 0, elements * element + extra, "plain")


def encoder(name, sequences, length):
    """One tower of LAYERS blocks, forward and backward, with dropout inside the LayerNorm kernels."""
    rows, squares = sequences * length[0], sequences * length[1]
    d, f, n = WIDTH, FORWARD, LAYERS
    weight = [("q, k, v", d, 3 * d), ("o", d, d), ("up", d, f), ("down", f, d)]
    kernels = [product(f"{name} {what} forward, bias", n, rows, i, o) for what, i, o in weight]
    kernels += [product(f"{name} {what} d_x", n, rows, o, i, accumulates=what in ("q, k, v", "up")) for what, i, o in weight]
    kernels += [product(f"{name} {what} d_weight", n, i, rows, o, out=F32, accumulates=True) for what, i, o in weight]
    kernels += [
        memory(f"{name} d_bias of q, k, v, o, down", n, rows * 5 * d),
        memory(f"{name} bias + GELU forward", n, 2 * rows * f),
        memory(f"{name} bias + GELU backward, d_bias", n, 3 * rows * f),
        memory(f"{name} dropout + residual + LayerNorm forward", 2 * n, 4 * rows * d, extra=rows * 4),
        memory(f"{name} dropout + residual + LayerNorm backward", 2 * n, 4 * rows * d, extra=rows * 4),
        Kernel(f"{name} attention forward", n, 4 * d * squares, rows * (4 * d * BF16 + HEADS * 4), "product"),
        Kernel(f"{name} attention backward", n, 10 * d * squares, rows * (8 * d * BF16 + HEADS * 4), "product"),
    ]
    return kernels


def step(pairs, bank):
    queries = pairs * (1 + SECOND_QUERIES)
    text_rows = queries * QUERY[0] + pairs * TITLE[0]
    d, p = WIDTH, PROJECTION
    kernels = encoder("query", queries, QUERY) + encoder("title", pairs, TITLE) + encoder("image", pairs, IMAGE)

    kernels += [memory(f"{what}: embeddings, sum of three, and their gradient", 1, rows * d * 8)
                for what, rows in (("query", queries * QUERY[0]), ("title", pairs * TITLE[0]))]
    patch_rows = pairs * PATCHES
    kernels += [
        memory("patches: bytes to numbers", 1, patch_rows * PATCH_BYTES, element=BF16 + 1),
        product("patches: projection", 2, patch_rows, PATCH_BYTES, d),
        product("modal adaptation: keys and values, forward and gradients", 6, pairs * (TITLE[0] + IMAGE[0]), d, 2 * d),
        product("modal adaptation: queries, outputs, gate, forward and gradients", 15, pairs, d, d),
        product("projections, forward and gradients", 6, pairs + queries, d, p),
        memory("lengths to one, gate", 8, pairs * p, element=F32),
    ]

    # The loss: logits in tiles; forward, and backward once more with the gradients of queries and products.
    cells = queries * (pairs + bank)
    for what, times, size in (("forward", 1, cells), ("backward, again", 1, cells), ("backward, d_query", 1, cells), ("backward, d_product", 1, queries * pairs)):
        kernels.append(Kernel(f"loss of eq. 3: products, {what}", times, 2 * size * p, (queries + pairs + bank) * p * F32 + size * F32, "tf32"))
    kernels.append(memory("loss of eq. 3: softmax over the tiles, both passes", 1, 3 * cells, element=F32))
    kernels.append(memory("bank push", 1, 2 * pairs * p, element=F32))

    words = MASKED * text_rows
    kernels.append(Kernel("MLM: products with the word tables, forward and gradients", 4, 2 * words * VOCABULARY * d,
                          (words + VOCABULARY) * d * F32 + words * VOCABULARY * F32, "tf32"))
    kernels.append(product("MLM, MPM_R: heads, forward and gradients", 9, words + patch_rows, d, d))
    hidden_patches = MASKED * patch_rows
    kernels.append(Kernel("MPM_R: products, forward and gradients", 4, 2 * hidden_patches * patch_rows * d,
                          (hidden_patches + patch_rows) * d * F32 + hidden_patches * patch_rows * F32, "tf32"))
    kernels.append(product("QPC: forward and gradients", 3, 2 * pairs, 4 * p, p))

    numbers = 3 * LAYERS * (4 * d * d + 2 * d * FORWARD) + 2 * VOCABULARY * d + 13 * d * d
    kernels += [
        memory("gradients to zero", 1, numbers, element=F32),
        memory("norm of the gradients", 1, numbers, element=F32),
        memory("AdamW, with the bfloat16 copies", 1, numbers, element=7 * F32 + BF16),
    ]
    return kernels, text_rows + pairs * IMAGE[0], numbers


def seconds(kernel, rates):
    return kernel.count * max(kernel.flops / rates[kernel.unit], kernel.bytes / rates["copy"])


def main():
    options = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    for name, default in (("pairs", 1024), ("bank", 65536)):
        options.add_argument("--" + name, type=int, default=default)
    for name, default, what in (("product", 790, "bf16 product"), ("tf32", 390, "TF32 product"), ("plain", 50, "float32 product")):
        options.add_argument("--" + name, type=float, default=default, help=f"{what}, TFLOP/s")
    options.add_argument("--copy", type=float, default=4.3, help="device memory, TB/s read and written")
    options.add_argument("--json", action="store_true")
    said = options.parse_args()
    rates = {name: getattr(said, name) * 1e12 for name in ("product", "tf32", "plain", "copy")}
    kernels, rows, numbers = step(said.pairs, said.bank)
    times = [seconds(k, rates) for k in kernels]
    flops = sum(k.count * k.flops for k in kernels)
    total = sum(times)
    if said.json:
        print(json.dumps({"rows": rows, "parameters": numbers, "flops": flops, "seconds": total,
                          "kernels": [{**k._asdict(), "seconds": t} for k, t in zip(kernels, times)]}, indent=1))
        return
    print(f"{said.pairs:,} pairs, {rows:,.0f} rows, {numbers / 1e6:,.0f} M parameters, bank of {said.bank:,}: "
          f"{flops / 1e12:.1f} TFLOP, {sum(k.count * k.bytes for k in kernels) / 1e9:.0f} GB, {total * 1e3:.1f} ms, "
          f"{flops / total / rates['product']:.0%} of the product rate\n")
    print("| kernel | launches | GFLOP each | MB each | bound by | ms a step |\n|---|---|---|---|---|---|")
    for k, t in zip(kernels, times):
        bound = "arithmetic" if k.flops / rates[k.unit] > k.bytes / rates["copy"] else "memory"
        print(f"| {k.name} | {k.count:.0f} | {k.flops / 1e9:.1f} | {k.bytes / 1e6:.1f} | {bound} | {t * 1e3:.3f} |")


if __name__ == "__main__":
    main()
