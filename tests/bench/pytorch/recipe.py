"""A recipe of Argosy with its defaults (model/recipe.hpp), as far as the PyTorch side trains it: matching (QPM) and nothing else."""
import tomllib

DEFAULTS = {
    "model": dict(hidden=768, heads=12, feed_forward=3072, query_layers=12, title_layers=12, image_layers=12, projection=256,
                  use_title=True, use_image=True, dropout=0.1, cosine=True, shared_tokens=False, initial=0.02),
    "train": dict(seed=1, batch=1024, steps=0, epochs=5, workers=1, threads=0),
    "optimiser": dict(rate=1e-4, warmup=0.2, beta1=0.9, beta2=0.98, eps=1e-8, weight_decay=0.01, clip=1.0),
    "negatives": dict(bank=8192, weight_bank=0.25, weight_product=1.0, bank_start=0.0, cross_device_start=0.5, scale=20.0,
                      scale_limit=100.0),
    "tasks": dict(matching=1, words=1, patches=1, patch_regression=0, classification=1, keywords=1),
}
WHAT_THE_MODEL_IS = ("model", "optimiser", "negatives")  # an unknown key in them may change what is trained, so it is refused
# What leaves matching as the only task of a recipe.
MATCHING_ONLY = ["tasks.matching=1", *(f"tasks.{task}=0" for task in DEFAULTS["tasks"] if task != "matching")]


def load_recipe(path, overrides=()):
    """The tables of a recipe, `overrides` being like `train.batch=64`. ValueError for what the PyTorch side does not train."""
    with open(path, "rb") as file:
        read = tomllib.load(file)
    for override in overrides:
        key, _, value = override.partition("=")
        table, _, name = key.partition(".")
        if not (value and name):
            raise ValueError(f"--set {override}: want table.key=value")
        read.setdefault(table, {})[name] = tomllib.loads("v = " + value)["v"]
    recipe = {table: {**values, **read.get(table, {})} for table, values in DEFAULTS.items()}
    refuse_others(recipe, path)
    return recipe


def refuse_others(recipe, path):
    for table in WHAT_THE_MODEL_IS:
        for key in recipe[table].keys() - DEFAULTS[table].keys():
            raise ValueError(f"{path}: {table}.{key}: not known to the PyTorch side")
    for task in DEFAULTS["tasks"]:
        wanted, found = int(task == "matching"), recipe["tasks"][task]
        if found != wanted:
            raise ValueError(f"{path}: tasks.{task} = {found}: the PyTorch side trains matching alone: --set tasks.{task}={wanted}")
    if recipe["train"]["workers"] != 1:
        raise ValueError(f"{path}: train.workers = {recipe['train']['workers']}: want 1")
    if not (recipe["model"]["use_title"] and recipe["model"]["use_image"]):
        raise ValueError(f"{path}: want a model of title and image")
