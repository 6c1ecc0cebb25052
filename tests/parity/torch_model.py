"""BERT's mathematics and modal adaptation in plain torch, from the folders that `argosy export --safetensors` writes. float64, so that what
differs is Argosy's rounding."""
import json

import torch

import tensor_files


def load(path):
    return {name: torch.from_numpy(tensor.copy()).double() for name, tensor in tensor_files.read(path).items()}


def linear(weights, name, x):
    return torch.nn.functional.linear(x, weights[name + ".weight"], weights[name + ".bias"])


def norm(weights, name, x):
    return torch.nn.functional.layer_norm(x, x.shape[-1:], weights[name + ".weight"], weights[name + ".bias"], 1e-12)


def attend(q, k, v, heads, mask):
    """(B, Tq, d) over (B, T, d); mask (B, T) is 1 where there is a row."""
    split = lambda x: x.view(x.shape[0], x.shape[1], heads, -1).transpose(1, 2)
    scores = split(q) @ split(k).transpose(2, 3) / (q.shape[-1] // heads) ** 0.5
    scores = scores + (1 - mask)[:, None, None, :] * -1e30
    return (scores.softmax(-1) @ split(v)).transpose(1, 2).reshape(q.shape)


class Tower:
    """A BertModel without its pooler."""

    def __init__(self, folder):
        self.config = json.loads((folder / "config.json").read_text())
        self.weights = load(folder / "model.safetensors")

    def words(self, ids):
        return self.weights["embeddings.word_embeddings.weight"][ids]

    def __call__(self, rows, mask):
        w, heads = self.weights, self.config["num_attention_heads"]
        x = rows + w["embeddings.position_embeddings.weight"][: rows.shape[1]] + w["embeddings.token_type_embeddings.weight"][0]
        x = norm(w, "embeddings.LayerNorm", x)
        for layer in range(self.config["num_hidden_layers"]):
            block = f"encoder.layer.{layer}."
            q, k, v = (linear(w, f"{block}attention.self.{part}", x) for part in ("query", "key", "value"))
            attended = linear(w, block + "attention.output.dense", attend(q, k, v, heads, mask))
            x = norm(w, block + "attention.output.LayerNorm", x + attended)
            wide = torch.nn.functional.gelu(linear(w, block + "intermediate.dense", x))
            x = norm(w, block + "output.LayerNorm", x + linear(w, block + "output.dense", wide))
        return x


class RetrievalModel:
    def __init__(self, folder, cosine):
        self.rest = load(folder / "rest/model.safetensors")
        self.towers = {name: Tower(folder / name) for name in ("query", "title", "image") if (folder / name).exists()}
        self.heads = self.towers["query"].config["num_attention_heads"]
        self.cosine = cosine

    def embedding(self, which, x):
        x = linear(self.rest, "project." + which, x)
        return x / x.norm(dim=1, keepdim=True).clamp_min(1e-12) if self.cosine else x

    def text(self, tower, ids, mask):
        return self.towers[tower](self.towers[tower].words(ids), mask)

    def image(self, patches):
        """[CLS], the only word of its table, then each patch."""
        pixels = linear(self.rest, "image.patch", (patches.double() - 128) / 64)
        cls = self.towers["image"].words(torch.zeros(len(patches), 1, dtype=torch.long))
        rows = torch.cat([cls, pixels], 1)
        return self.towers["image"](rows, torch.ones(rows.shape[:2]).double())

    def queries(self, ids, mask):
        return self.embedding("query", self.text("query", ids, mask.double())[:, 0])

    def adapted(self, side, own, other, mask, has):
        """LN(own + attention over the rows of the other modality); 0 where it is absent, and where no product has it."""
        if other is not None:
            q, k, v = linear(self.rest, f"adapt.{side}.q", own[:, None]), *(linear(self.rest, f"adapt.{side}.{part}", other) for part in "kv")
            own = own + linear(self.rest, f"adapt.{side}.o", attend(q, k, v, self.heads, mask))[:, 0] * has[:, None]
        return norm(self.rest, f"adapt.{side}.ln", own)

    def products(self, ids, mask, patches, has_image):
        mask, has_image = mask.double(), has_image.double()
        has_title = mask[:, 0]
        title = self.text("title", ids, mask) if "title" in self.towers else None
        image = self.image(patches) if "image" in self.towers else None
        if image is None:
            has_image = torch.zeros_like(has_image)
        if title is None:
            has_title = torch.zeros_like(has_title)
        hidden = self.rest["project.product.weight"].shape[1]
        own = lambda rows, has: torch.zeros(len(has), hidden).double() if rows is None else rows[:, 0] * has[:, None]
        image_mask = torch.ones(len(ids), 17).double()
        t = self.adapted("t", own(title, has_title), image, image_mask, has_image)
        v = self.adapted("v", own(image, has_image), title, mask, has_title)
        gate = linear(self.rest, "adapt.gate.down", torch.nn.functional.gelu(linear(self.rest, "adapt.gate.up", torch.cat([t, v], 1))))
        gate = gate.softmax(1)
        only_title, only_image = torch.tensor([1.0, 0.0]).double(), torch.tensor([0.0, 1.0]).double()
        gate = torch.where((has_title == 0)[:, None], only_image, gate)
        gate = torch.where((has_image == 0)[:, None], only_title, gate)
        return self.embedding("product", gate[:, :1] * t + gate[:, 1:] * v)
