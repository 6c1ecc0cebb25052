"""Reads prepared data (schema/FORMATS.md) and draws the very batches that Argosy draws, with vectorised numpy over memory-mapped files.

Letters   B pairs, N pieces of all sequences of a tower end to end, W bytes of a patch.
Errors    ValueError names the file and what was wanted. Checksums are `argosy`'s business and are not compared here.
"""
import math
import pathlib
import struct
from typing import NamedTuple

import numpy as np

MAGIC = b"ARGOSY\r\n"
CONTAINER_VERSION = 1
ELEMENTS = ("u1", "u2", "u4", "u8", "i4", "i8", "f4", "f8")
PATCHES = 16


class FlatTable:
    """A table of a FlatBuffer: fields are found through the table's vtable."""

    def __init__(self, data, at):
        self.data, self.at = data, at

    def _field(self, number):
        vtable = self.at - struct.unpack_from("<i", self.data, self.at)[0]
        slot = 4 + 2 * number
        return struct.unpack_from("<H", self.data, vtable + slot)[0] if slot < struct.unpack_from("<H", self.data, vtable)[0] else 0

    def number(self, field, kind):
        offset = self._field(field)
        return struct.unpack_from("<" + kind, self.data, self.at + offset)[0] if offset else 0

    def _pointed(self, field):
        at = self.at + self._field(field)
        return at + struct.unpack_from("<I", self.data, at)[0]

    def text(self, field):
        at = self._pointed(field)
        return bytes(self.data[at + 4 : at + 4 + struct.unpack_from("<I", self.data, at)[0]]).decode()

    def tables(self, field):
        at = self._pointed(field)
        for place in range(at + 4, at + 4 + 4 * struct.unpack_from("<I", self.data, at)[0], 4):
            yield FlatTable(self.data, place + struct.unpack_from("<I", self.data, place)[0])


def read_container(path, kind, version):
    """The sections of a container by name, memory-mapped."""
    content = np.memmap(path, np.uint8, "r")
    magic, container_version, _, header_at, header_bytes = struct.unpack_from("<8sIIQQ", content, 0)
    if magic != MAGIC or container_version != CONTAINER_VERSION or header_at + header_bytes != len(content):
        raise ValueError(f"{path}: want a whole container of version {CONTAINER_VERSION}")
    header = bytes(content[header_at:])
    root = FlatTable(header, struct.unpack_from("<I", header)[0])
    found = root.text(0), root.number(1, "I")
    if found != (kind, version):
        raise ValueError(f"{path}: want {kind} version {version}, found {found[0]} version {found[1]}")
    sections = {}
    for section in root.tables(3):
        at, size = section.number(2, "Q"), section.number(3, "Q")
        sections[section.text(0)] = content[at : at + size].view(ELEMENTS[section.number(1, "B")])
    return sections


def philox(seed, counter):
    """First word of Philox4x32-10 for arrays of counters (base/random.hpp)."""
    words = [np.asarray(word, np.uint64) for word in counter]
    low = np.uint64(0xFFFFFFFF)
    key = [seed & 0xFFFFFFFF, seed >> 32]
    for _ in range(10):
        a, b = np.uint64(0xD2511F53) * words[0], np.uint64(0xCD9E8D57) * words[2]
        words = [(b >> np.uint64(32)) ^ words[1] ^ np.uint64(key[0]), b & low, (a >> np.uint64(32)) ^ words[3] ^ np.uint64(key[1]), a & low]
        key = [(key[0] + 0x9E3779B9) & 0xFFFFFFFF, (key[1] + 0xBB67AE85) & 0xFFFFFFFF]
    return words[0]


class PairOrder:
    """The permutation of the pairs that each epoch draws (data/pair_order.cpp)."""

    ROUNDS, SITE = 6, 2

    def __init__(self, pairs, seed):
        self.pairs, self.seed = pairs, seed
        self.half_bits = ((pairs - 1).bit_length() + 1) // 2

    def _permute(self, value, epoch):
        mask, shift = np.uint64((1 << self.half_bits) - 1), np.uint64(self.half_bits)
        left, right = value >> shift & mask, value & mask
        for number in range(self.ROUNDS):
            key = (right, epoch & np.uint64(0xFFFFFFFF), epoch >> np.uint64(32) ^ np.uint64(number << 24), np.full_like(right, self.SITE))
            left, right = right, left ^ (philox(self.seed, key) & mask)
        return left << shift | right

    def at(self, positions):
        epoch, value = np.divmod(np.asarray(positions, np.uint64), np.uint64(self.pairs))
        value = self._permute(value, epoch)
        while (beyond := value >= self.pairs).any():
            value[beyond] = self._permute(value[beyond], epoch[beyond])
        return value.astype(np.int64)


class Ragged(NamedTuple):
    value: np.ndarray  # (N)
    length: np.ndarray  # (B)


class Batch(NamedTuple):
    query: Ragged  # WordPieces, [CLS] first
    title: Ragged  # of length 0: no title
    patch: np.ndarray  # (B, 16, W) bytes; zeros where there is no image
    has_image: np.ndarray  # (B)
    product: np.ndarray  # (B)
    log_p: np.ndarray  # (B)
    known: Ragged  # products that the log pairs with each query

    def tokens(self):
        """Rows that the encoders have to compute: pieces, and [CLS] and patches of the images that are there."""
        return len(self.query.value) + len(self.title.value) + int(self.has_image.sum()) * (PATCHES + 1)


def rows_of(values, offset, rows):
    """The chosen rows of a ragged array, end to end."""
    first, length = offset[rows], offset[rows + 1] - offset[rows]
    ends = np.cumsum(length)
    at = np.arange(ends[-1] if len(ends) else 0) + np.repeat(first - (ends - length), length)
    return Ragged(values[at], length)


class PreparedData:
    FACTS = ("products", "queries", "pairs", "query_length", "title_length", "image_width", "image_height", "features")
    VERSIONS = {"facts": 2, "products": 2, "queries": 1, "pairs": 1}

    def __init__(self, folder):
        folder = pathlib.Path(folder)
        open_file = lambda kind: read_container(folder / kind, kind, self.VERSIONS[kind])  # noqa: E731
        self.facts = dict(zip(self.FACTS, map(int, open_file("facts")["number"])))
        if self.facts["features"] != 0:
            raise ValueError(f"{folder}: want patches of pixels, found features of a backbone")
        self.vocabulary = len((folder / "vocab.txt").read_text(encoding="utf-8").splitlines())
        self.patch_width = self.facts["image_width"] // 4 * (self.facts["image_height"] // 4) * 3
        products, queries, pairs = open_file("products"), open_file("queries"), open_file("pairs")
        self.patch = products["patch"].reshape(-1, PATCHES, self.patch_width)
        small = lambda sections, name: np.array(sections[name], np.int64)  # noqa: E731
        self.image_offset = small(products, "patch_offset")
        self.title, self.title_offset = small(products, "token"), small(products, "token_offset")
        self.query, self.query_offset = small(queries, "token"), small(queries, "token_offset")
        self.known, self.known_offset = small(queries, "known"), small(queries, "known_offset")
        self.pair_query, self.pair_product = small(pairs, "query"), small(pairs, "product")
        total = len(self.pair_product) + self.facts["products"]
        count = np.bincount(self.pair_product, minlength=self.facts["products"])
        self.log_p = np.log((count + 1) / total).astype(np.float32)

    def images(self, product):
        """Patches (B, 16, W) of the products and which of them have an image."""
        has_image = self.image_offset[product + 1] > self.image_offset[product]
        if has_image.all():
            return self.patch[self.image_offset[product]], has_image
        patch = np.zeros((len(product), PATCHES, self.patch_width), np.uint8)
        patch[has_image] = self.patch[self.image_offset[product[has_image]]]
        return patch, has_image

    def batch(self, pair):
        query, product = self.pair_query[pair], self.pair_product[pair]
        return self._batch(query, product)

    def products(self, product):
        """A batch of products for embedding; query 0 stands beside each."""
        return self._batch(np.zeros_like(product), product)

    def _batch(self, query, product):
        patch, has_image = self.images(product)
        return Batch(rows_of(self.query, self.query_offset, query), rows_of(self.title, self.title_offset, product), patch, has_image,
                     product, self.log_p[product], rows_of(self.known, self.known_offset, query))


class Loader:
    """The batches of a run in Argosy's order: step s draws positions s * size to (s + 1) * size of the endless stream of epochs."""

    def __init__(self, data, batch, seed):
        self.data, self.size = data, batch
        self.order = PairOrder(data.facts["pairs"], seed)

    def __call__(self, step):
        return self.data.batch(self.order.at(np.arange(step * self.size, (step + 1) * self.size)))


def total_steps(recipe, pairs):
    train = recipe["train"]
    return train["steps"] or math.ceil(train["epochs"] * pairs / train["batch"])
