"""What the parity tests share: small shops whose pieces are known without a tokenizer, models trained on them, and the comparison.

A shop's words are pieces of its vocabulary, so a text is [CLS] and the sorted words, cut to a length. Its images have the size that the
model wants, so a patch is cut from the pixels as they are. MODELS lists what is trained; models.py makes them once for all tests, in the
folder that the tests get as their argument.
"""
import itertools
import json
import pathlib
import random
import struct
import subprocess
import sys
import zlib
from typing import NamedTuple

import numpy

SKIPPED = 77  # what CTest takes for a skipped test
TOLERANCE = 1e-4  # of an embedding's numbers in float32, relative to the largest where that exceeds 1

QUERIES, PRODUCTS = 24, 24


class Model(NamedTuple):
    """A recipe, and what its data is prepared with."""
    settings: dict
    pieces: int = 60
    query_length: int = 7
    title_length: int = 9
    width: int = 13
    height: int = 9
    checkpoint: bool = False  # starts from a BERT checkpoint with random weights, and one step leaves it as it was


SMALL = {"model.hidden": 32, "model.heads": 4, "model.feed_forward": 56, "model.query_layers": 2, "model.title_layers": 1,
         "model.image_layers": 3, "model.projection": 12, "model.initial": 0.2, "train.batch": 8, "train.steps": 6, "optimiser.rate": 0.01,
         "negatives.bank": 16, "train.workers": 1, "train.threads": 2}
# 12 x 768 as published; a rate of 0 leaves every weight as it was imported.
BASE = {"model.projection": 256, "train.batch": 2, "train.steps": 1, "optimiser.rate": 0.0, "negatives.bank": 0, "train.workers": 1,
        "tasks.words": 0.0, "tasks.patches": 0.0, "tasks.classification": 0.0, "tasks.keywords": 0.0}

MODELS = {
    "small": Model(SMALL),
    "small-shared-words": Model({**SMALL, "model.shared_tokens": True, "model.cosine": False}),
    "small-titles": Model({**SMALL, "model.use_image": False}),
    "small-images": Model({**SMALL, "model.use_title": False}),
    "base": Model(BASE, pieces=21128, query_length=512, title_length=512, checkpoint=True),
}


def run_argosy(binary, *arguments):
    """Standard output of `argosy ARGUMENTS...`; ends the test when it fails."""
    end = subprocess.run([binary, *map(str, arguments)], capture_output=True, text=True)
    if end.returncode != 0:
        sys.exit(f"argosy {' '.join(map(str, arguments))}: {end.returncode}\n{end.stdout}{end.stderr}")
    return end.stdout


def pieces_of(count):
    letters = ("".join(word) for word in itertools.product("abcdefghijklmnopqrstuvwxyz", repeat=4))
    return ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]", *itertools.islice(letters, count - 5)]


def png(pixels):
    """An RGB image (height, width, 3) without loss."""
    def chunk(kind, data):
        return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))

    height, width, _ = pixels.shape
    lines = b"".join(b"\0" + line.tobytes() for line in pixels)
    return (b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0))
            + chunk(b"IDAT", zlib.compress(lines)) + chunk(b"IEND", b""))


class Shop:
    """The same shop for the same model, whoever asks: queries and titles as words, images as pixels, None where there is none."""

    def __init__(self, model):
        draw = random.Random(5)
        self.model = model
        self.pieces = pieces_of(model.pieces)
        pixels = numpy.random.default_rng(5)
        words = self.pieces[5:]
        text = lambda longest: [draw.choice(words) for _ in range(draw.randint(1, longest))]
        self.queries = [text(10) for _ in range(QUERIES)]
        self.titles = [None if i % 5 == 3 else text(12) for i in range(PRODUCTS)]
        self.images = [None if i % 5 == 1 else pixels.integers(0, 256, (model.height, model.width, 3), dtype=numpy.uint8)
                       for i in range(PRODUCTS)]

    def write(self, folder):
        """Catalogue, images, log and vocabulary as `argosy prepare` takes them, and the queries."""
        (folder / "images").mkdir(parents=True)
        (folder / "vocab.txt").write_text("\n".join(self.pieces) + "\n")
        (folder / "queries.txt").write_text("".join(" ".join(query) + "\n" for query in self.queries))
        (folder / "log.tsv").write_text("query\tproduct_id\n" + "".join(f"{' '.join(q)}\tp{i}\n" for i, q in enumerate(self.queries)))
        with open(folder / "products.jsonl", "w") as catalogue:
            for i, (title, image) in enumerate(zip(self.titles, self.images)):
                name = "" if image is None else f"{i}.png"
                catalogue.write(json.dumps({"id": f"p{i}", "title": " ".join(title or []), "image": name}) + "\n")
                if image is not None:
                    (folder / "images" / name).write_bytes(png(image))

    def tokens(self, texts, longest):
        """Ids (B, T) and mask (B, T), filled up with 0; a text that is None has a mask of zeros."""
        place = {piece: i for i, piece in enumerate(self.pieces)}
        rows = [[] if text is None else [place["[CLS]"], *(place[word] for word in sorted(text))][:longest] for text in texts]
        ids = numpy.zeros((len(rows), max(map(len, rows))), dtype=numpy.int64)
        mask = numpy.zeros_like(ids)
        for i, row in enumerate(rows):
            ids[i, : len(row)], mask[i, : len(row)] = row, 1
        return ids, mask

    def query_tokens(self):
        return self.tokens(self.queries, self.model.query_length)

    def title_tokens(self):
        return self.tokens(self.titles, self.model.title_length)

    def patches(self):
        """Bytes (B, 16, W) of the 4 x 4 patches, row by row, and which products have an image (B)."""
        width, height = self.model.width // 4, self.model.height // 4
        patches = numpy.zeros((PRODUCTS, 16, width * height * 3), dtype=numpy.uint8)
        for i, image in enumerate(self.images):
            if image is None:
                continue
            for p in range(16):
                y, x = p // 4 * height, p % 4 * width
                patches[i, p] = image[y : y + height, x : x + width].reshape(-1)
        return patches, numpy.array([image is not None for image in self.images], dtype=numpy.int64)


def toml(settings):
    tables = {}
    for key, value in settings.items():
        table, name = key.split(".")
        tables.setdefault(table, []).append(f"{name} = {json.dumps(value)}")
    return "\n".join("\n".join([f"[{table}]", *lines]) for table, lines in tables.items()) + "\n"


def compare(what, found, want):
    """Prints how far apart two arrays are; says whether that is within the tolerance."""
    apart = float(numpy.abs(found - want).max()) if found.shape == want.shape else float("inf")
    bound = TOLERANCE * max(1.0, float(numpy.abs(want).max()))
    good = apart <= bound
    print(f"{what}: {found.shape[0]} rows, {apart:.2e} apart, {bound:.1e} allowed{'' if good else ': TOO FAR'}")
    return good


def skip(why):
    print(f"skipped: {why}")
    sys.exit(SKIPPED)


def models_in(folder):
    """(name, shop, folder) of each model that models.py has made; skips the test when it has not."""
    root = pathlib.Path(folder)
    if not (root / "made").exists():
        skip(f"{root} holds no models: tests/parity/models.py did not make them")
    for name, model in MODELS.items():
        yield name, Shop(model), root / name
