#!/usr/bin/env python3
"""Training speed of Argosy's model in PyTorch: the same recipe, prepared data and batches as `argosy bench train`.

    python bench.py --data PREPARED --recipe recipes/fashion-small.toml --steps 40 --json
"""
import argparse
import contextlib
import ctypes
import json
import os
import statistics
import sys
import time
from concurrent.futures import ThreadPoolExecutor

import torch
from torch.nn.attention import SDPBackend, sdpa_kernel

from prepared import Loader, PreparedData
from recipe import load_recipe
from train import DTYPES, LAYOUTS, Trainer, make_ready

ATTENTION = {"auto": contextlib.nullcontext, "math": lambda: sdpa_kernel(SDPBackend.MATH)}


def arguments():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", required=True, help="prepared data")
    parser.add_argument("--recipe", required=True)
    parser.add_argument("--set", action="append", default=[], metavar="TABLE.KEY=VALUE", help="overrides the recipe")
    parser.add_argument("--steps", type=int, default=40, help="steps that count")
    parser.add_argument("--warmup", type=int, default=8, help="steps before them: compiling, first touches of memory")
    parser.add_argument("--dtype", choices=DTYPES, default="float32", help="bfloat16: autocast")
    parser.add_argument("--compile", action=argparse.BooleanOptionalAction, default=False, help="torch.compile")
    parser.add_argument("--layout", choices=LAYOUTS, default="packed")
    parser.add_argument("--fused", action=argparse.BooleanOptionalAction, default=True, help="AdamW in one pass")
    parser.add_argument("--precision", choices=("highest", "high", "medium"), default="highest", help="torch.set_float32_matmul_precision")
    parser.add_argument("--attention", choices=ATTENTION, default="auto", help="PyTorch's choice, or plain products: on CPUs its fused "
                        "backward is slow in bfloat16")
    parser.add_argument("--device", default="cpu", help="or cuda")
    parser.add_argument("--threads", type=int, default=0, help="0: the recipe's, or all cores")
    parser.add_argument("--json", action="store_true")
    return parser.parse_args()


def keep_freed_memory():
    """glibc gives large blocks back to the system at once, and every step touches fresh pages: the heap is to keep them (mallopt(3))."""
    trim_threshold, mmap_max = -1, -4
    libc = ctypes.CDLL(None)
    if hasattr(libc, "mallopt"):
        libc.mallopt(mmap_max, 0)
        libc.mallopt(trim_threshold, -1)


def prefetched(make, steps):
    """make(0), make(1), ... with the next one always under way in a thread."""
    with ThreadPoolExecutor(1) as thread:
        ahead = thread.submit(make, 0)
        for step in range(steps):
            ready = ahead.result()
            if step + 1 < steps:
                ahead = thread.submit(make, step + 1)
            yield ready


def quartiles(values):
    low, median, high = statistics.quantiles(values, n=4) if len(values) > 1 else values * 3
    return {"step_low_s": low, "step_median_s": median, "step_high_s": high}


def measure(options, recipe, data, trainer):
    load = Loader(data, recipe["train"]["batch"], recipe["train"]["seed"])
    wanted, warmup = options.steps + options.warmup, options.warmup
    if wanted > trainer.steps:
        raise ValueError(f"want {wanted} steps to measure, the recipe makes {trainer.steps} of this data")
    batches = prefetched(lambda step: make_ready(load(step), options.layout).to(trainer.device), wanted)
    took, phases = [], {}
    pairs = tokens = rows = 0
    last = begin = time.perf_counter()
    begin_cpu = time.process_time()
    waits = trainer.device.type == "cuda"  # for the losses of a step at its end, as Argosy does
    for step, ready in enumerate(batches):
        waited = time.perf_counter() - last
        report = trainer.step(ready, step)
        if waits:
            report.loss.item()
        now = time.perf_counter()
        if step >= warmup:
            took.append(now - last)
            for phase, seconds in {"data": waited, **report.seconds}.items():
                phases[phase] = phases.get(phase, 0) + seconds
            pairs, tokens, rows = pairs + len(ready.product), tokens + ready.tokens, rows + ready.rows
        elif step + 1 == warmup:
            begin, begin_cpu = now, time.process_time()
        last = now
    seconds = last - begin
    return {
        "pairs_per_s": pairs / seconds,
        "tokens_per_s": tokens / seconds,
        "real_tokens": tokens / rows,
        **quartiles(took),
        "step_cpu_s": (time.process_time() - begin_cpu) / options.steps,
        "phases_ms": {phase: 1000 * total / len(took) for phase, total in phases.items()},
        "last_loss": report.loss.item(),
    }


def main():
    options = arguments()
    keep_freed_memory()
    try:
        recipe, data = load_recipe(options.recipe, options.set), PreparedData(options.data)
        threads = options.threads or recipe["train"]["threads"] or os.cpu_count()
        torch.set_num_threads(threads)
        torch.set_float32_matmul_precision(options.precision)
        torch.manual_seed(recipe["train"]["seed"])
        trainer = Trainer(recipe, data, options.dtype, options.compile, {"fused": options.fused}, options.device)
        with ATTENTION[options.attention]():
            result = measure(options, recipe, data, trainer)
    except (ValueError, OSError) as error:
        sys.exit(f"bench.py: {error}")
    result |= {
        "parameters": sum(p.numel() for p in trainer.model.parameters()),
        "steps": options.steps,
        "batch": recipe["train"]["batch"],
        "threads": threads,
        "device": options.device,
        "dtype": options.dtype,
        "compile": options.compile,
        "layout": options.layout,
        "attention": options.attention,
        "torch": torch.__version__,
    }
    if options.json:
        print(json.dumps(result, indent=2))
        return
    for key, value in result.items():
        print(f"{key:<16} {value:.4g}" if isinstance(value, float) else f"{key:<16} {value}")


if __name__ == "__main__":
    main()
