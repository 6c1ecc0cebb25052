#!/usr/bin/env python3
"""Argosy against PyTorch: `argosy bench train` and bench.py one after the other, several times, on the same recipe and data.

    python compare.py --argosy build/argosy --data PREPARED --recipe recipes/fashion-small.toml

Both train matching alone, one worker, the same batches. Each speed is the median of the rounds.
"""
import argparse
import json
import pathlib
import statistics
import sys

from program import run, set_all
from recipe import MATCHING_ONLY

HERE = pathlib.Path(__file__).resolve().parent
ARGOSY = "argosy"
COMPILED = ("--no-compile", "--compile")
PYTORCH = {
    "float32": [*COMPILED],
    "bfloat16": [*COMPILED, *(f"--dtype bfloat16 --layout {layout} --attention {attention} {compiled}" for layout in ("packed", "padded")
                              for attention in ("auto", "math") for compiled in COMPILED)],
    "cuda": [f"--dtype bfloat16 --layout {layout} {compiled}" for layout in ("packed", "padded") for compiled in COMPILED],
}


def arguments():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--argosy", type=pathlib.Path, default=HERE.parents[2] / "build" / "argosy", help="the program")
    parser.add_argument("--data", required=True, help="prepared data")
    parser.add_argument("--recipe", required=True)
    parser.add_argument("--set", action="append", default=[], metavar="TABLE.KEY=VALUE", help="overrides the recipe, for both")
    parser.add_argument("--argosy-set", action="append", default=[], metavar="TABLE.KEY=VALUE", help="for Argosy alone")
    parser.add_argument("--pytorch", action="append", metavar="OPTIONS", help="a way of running bench.py; may be repeated; "
                        "none given: compiled and not; with bfloat16 in it too, packed and padded, by both kinds of attention")
    parser.add_argument("--device", choices=("cpu", "cuda"), default="cpu", help="of both; bfloat16 on a GPU")
    parser.add_argument("--dtype", choices=("float32", "bfloat16"), help="of Argosy's products on a CPU, whatever the recipe says; with bfloat16 "
                        "PyTorch runs in both")
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--steps", type=int, default=40, help="steps that count in a round")
    parser.add_argument("--warmup", type=int, default=10, help="steps before them")
    parser.add_argument("--json", action="store_true")
    return parser.parse_args()


def one_round(options):
    """What each side printed: "argosy", and each way of running PyTorch under its options."""
    sets = [*MATCHING_ONLY, *options.set]
    kind = "cuda" if options.device == "cuda" else options.dtype or "float32"
    of_argosy = ['train.device="cuda"', 'train.compute="bfloat16"'] if kind == "cuda" else [f'train.compute="{kind}"'] if options.dtype else []
    same = ["--data", options.data, "--recipe", options.recipe, "--steps", options.steps, "--warmup", options.warmup, "--json"]
    printed = {ARGOSY: run(options.argosy, "bench", "train", *same, *set_all([*sets, *of_argosy, *options.argosy_set]))}
    for way in options.pytorch or PYTORCH[kind]:
        printed[way] = run(sys.executable, HERE / "bench.py", *same, *set_all(sets), "--device", options.device, *way.split())
    return {side: json.loads(text) for side, text in printed.items()}


def summary(rounds):
    sides = {}
    for side, last in rounds[-1].items():
        median = {key: statistics.median(r[side][key] for r in rounds) for key in ("pairs_per_s", "tokens_per_s", "step_median_s")}
        sides[side] = {**last, **median, "rounds_pairs_per_s": [r[side]["pairs_per_s"] for r in rounds]}
    argosy = sides.pop(ARGOSY)
    for key in ("flop_share", "gemm_peak_gflops"):
        argosy[key] = statistics.median(r[ARGOSY][key] for r in rounds)
    fastest = max(sides, key=lambda way: sides[way]["pairs_per_s"])
    return {"argosy": argosy, "pytorch": sides, "fastest": fastest, "ratio": argosy["pairs_per_s"] / sides[fastest]["pairs_per_s"]}


def print_table(result, options):
    rows = {ARGOSY: result["argosy"], **{"PyTorch " + way: of for way, of in result["pytorch"].items()}}
    width = max(map(len, rows))
    print(f"{'':<{width}} {'pairs/s':>9} {'tokens/s':>10} {'step, ms':>9} {'real tokens':>12}   rounds, pairs/s")
    for name, of in rows.items():
        print(f"{name:<{width}} {of['pairs_per_s']:>9.1f} {of['tokens_per_s']:>10.0f} {1000 * of['step_median_s']:>9.1f}",
              f"{of.get('real_tokens', 1):>12.2f}  ", "  ".join(f"{value:.1f}" for value in of["rounds_pairs_per_s"]))
    argosy, fastest = result["argosy"], result["pytorch"][result["fastest"]]
    print(f"ratio {result['ratio']:.2f}, against the fastest PyTorch")
    print(f"argosy: {100 * argosy['flop_share']:.1f} % of the peak of a large product, {argosy['gemm_peak_gflops']:.1f} GFLOP/s in the same run")
    print(f"PyTorch {fastest['torch']} on {fastest['device']}, {fastest['threads']} threads; medians of {options.rounds} rounds of {options.steps} steps of "
          f"{fastest['batch']} pairs, after {options.warmup} that do not count")


def main():
    options = arguments()
    try:
        result = summary([one_round(options) for _ in range(options.rounds)])
    except (ValueError, OSError) as error:
        sys.exit(f"compare.py: {error}")
    if options.json:
        print(json.dumps(result, indent=2))
    else:
        print_table(result, options)


if __name__ == "__main__":
    main()
