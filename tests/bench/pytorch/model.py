"""Argosy's model in PyTorch (model/retrieval_model.hpp): three encoders of post-LN BERT blocks, modal adaptation, projection.

Letters   B pairs, L longest sequence of a batch, N pieces of all its sequences, d hidden, H heads, P projection.
Text comes in one of two layouts; images, all of 17 rows, are dense in both.
    padded   (B, L, d), shorter sequences masked in attention
    packed   (N, d): no padding; but inside attention, where there is none for packed rows, they are copied into (B, L, 3 d) and back
"""
import math
from typing import NamedTuple, Optional

import torch
import torch.nn.functional as F
from torch import nn

from prepared import PATCHES

LAYER_NORM_EPS = 1e-12


class Text(NamedTuple):
    token: torch.Tensor  # (B, L), or (N) when packed
    there: torch.Tensor  # (B, L): no padding
    row: Optional[torch.Tensor] = None  # (N) places of the rows within (B * L), when packed
    offset: Optional[torch.Tensor] = None  # (B + 1) first row of each sequence, when packed


class Scatter(torch.autograd.Function):
    """Rows (N, c) to their places among zeros (rows, c). Places differ, so the gradient is a gather and no sum."""

    @staticmethod
    def forward(ctx, x, place, rows):
        ctx.save_for_backward(place)
        return x.new_zeros(rows, x.shape[1]).index_copy_(0, place, x)

    @staticmethod
    def backward(ctx, d):
        (place,) = ctx.saved_tensors
        return d.index_select(0, place), None, None


class Gather(torch.autograd.Function):
    """The inverse of Scatter."""

    @staticmethod
    def forward(ctx, x, place):
        ctx.save_for_backward(place)
        ctx.rows = x.shape[0]
        return x.index_select(0, place)

    @staticmethod
    def backward(ctx, d):
        (place,) = ctx.saved_tensors
        return d.new_zeros(ctx.rows, d.shape[1]).index_copy_(0, place, d), None


try:  # attention over packed rows: PyTorch has it for GPUs alone
    from torch.nn.attention.varlen import varlen_attn
except ImportError:
    varlen_attn = None


def heads_of(x, heads):
    return x.unflatten(-1, (heads, -1)).transpose(1, 2)  # (B, L, d) -> (B, H, L, d / H)


def attend(q, k, v, heads, there=None):
    mask = None if there is None else there[:, None, None, :]
    mixed = F.scaled_dot_product_attention(heads_of(q, heads), heads_of(k, heads), heads_of(v, heads), attn_mask=mask)
    return mixed.transpose(1, 2).flatten(2)


class Block(nn.Module):
    def __init__(self, hidden, heads, feed_forward, dropout):
        super().__init__()
        self.heads = heads
        self.qkv, self.o = nn.Linear(hidden, 3 * hidden), nn.Linear(hidden, hidden)
        self.up, self.down = nn.Linear(hidden, feed_forward), nn.Linear(feed_forward, hidden)
        self.ln1, self.ln2 = nn.LayerNorm(hidden, LAYER_NORM_EPS), nn.LayerNorm(hidden, LAYER_NORM_EPS)
        self.drop = nn.Dropout(dropout)

    def mix(self, x, text):
        qkv = self.qkv(x)
        if text is None or text.row is None:
            return attend(*qkv.chunk(3, -1), self.heads, None if text is None else text.there)
        B, L = text.there.shape
        if qkv.is_cuda and varlen_attn is not None and qkv.dtype != torch.float32:  # its kernels are of two bytes
            q, k, v = (part.unflatten(-1, (self.heads, -1)) for part in qkv.chunk(3, -1))
            return varlen_attn(q, k, v, text.offset, text.offset, L, L).flatten(1)
        padded = Scatter.apply(qkv, text.row, B * L).view(B, L, -1)
        return Gather.apply(attend(*padded.chunk(3, -1), self.heads, text.there).flatten(0, 1), text.row)

    def forward(self, x, text):
        x = self.ln1(x + self.drop(self.o(self.mix(x, text))))
        return self.ln2(x + self.drop(self.down(F.gelu(self.up(x)))))


class Tower(nn.Module):
    def __init__(self, longest, layers, model):
        super().__init__()
        d = model["hidden"]
        self.position, self.type_row = nn.Parameter(torch.empty(longest, d)), nn.Parameter(torch.empty(1, d))
        self.embedding_ln, self.drop = nn.LayerNorm(d, LAYER_NORM_EPS), nn.Dropout(model["dropout"])
        self.layers = nn.ModuleList(Block(d, model["heads"], model["feed_forward"], model["dropout"]) for _ in range(layers))

    def encode(self, x, position, text):
        x = self.drop(self.embedding_ln(x + position + self.type_row))
        for layer in self.layers:
            x = layer(x, text)
        return x


class TextTower(Tower):
    """WordPieces -> rows (B, L, d), of which those of padding mean nothing."""

    def forward(self, table, text):
        x = F.embedding(text.token, table)
        B, L = text.there.shape
        if text.row is None:
            return self.encode(x, self.position[:L], text)
        rows = self.encode(x, F.embedding(text.row % L, self.position), text)
        return Scatter.apply(rows, text.row, B * L).view(B, L, -1)


class ImageTower(Tower):
    """Patches (B, 16, W), bytes -> rows (B, 17, d)."""

    def __init__(self, patch_width, layers, model):
        super().__init__(PATCHES + 1, layers, model)
        self.patch = nn.Linear(patch_width, model["hidden"])
        self.cls = nn.Parameter(torch.empty(1, model["hidden"]))

    def forward(self, patch):
        embedded = self.patch(patch.to(self.patch.weight.dtype) / 64 - 2)
        first = self.cls.to(embedded.dtype).expand(len(patch), 1, -1)
        return self.encode(torch.cat([first, embedded], 1), self.position, None)


class Side(nn.Module):
    """t' = LN(t + MHA(t, V, V)) for the [CLS] rows; nothing is attended where the other modality is absent."""

    def __init__(self, hidden, heads):
        super().__init__()
        self.heads = heads
        self.q, self.kv, self.o = nn.Linear(hidden, hidden), nn.Linear(hidden, 2 * hidden), nn.Linear(hidden, hidden)
        self.ln = nn.LayerNorm(hidden, LAYER_NORM_EPS)

    def forward(self, own, other, there, other_present):
        k, v = self.kv(other).chunk(2, -1)
        attended = self.o(attend(self.q(own).unsqueeze(1), k, v, self.heads, there)).squeeze(1)
        return self.ln(own + attended * other_present)


class ModalAdaptation(nn.Module):
    """product = g_t t' + g_v v', g = softmax(MLP([t'; v'])) (model/towers.hpp)."""

    def __init__(self, hidden, heads):
        super().__init__()
        self.t, self.v = Side(hidden, heads), Side(hidden, heads)
        self.up, self.down = nn.Linear(2 * hidden, hidden), nn.Linear(hidden, 2)

    def forward(self, title, image, there, present):
        """`present` (B, 2): has a title, has an image."""
        has_title, has_image = present[:, :1], present[:, 1:]
        t = self.t(title[:, 0] * has_title, image, None, has_image)
        v = self.v(image[:, 0] * has_image, title, there, has_title)
        logits = self.down(F.gelu(self.up(torch.cat([t, v], 1)))).float()
        gate = logits.masked_fill(present == 0, -math.inf).softmax(1)
        return gate[:, :1] * t + gate[:, 1:] * v


class RetrievalModel(nn.Module):
    def __init__(self, recipe, data):
        super().__init__()
        model, facts = recipe["model"], data.facts
        d, P = model["hidden"], model["projection"]
        self.cosine = model["cosine"]
        self.query_token = nn.Parameter(torch.empty(data.vocabulary, d))
        self.title_token = self.query_token if model["shared_tokens"] else nn.Parameter(torch.empty(data.vocabulary, d))
        self.query = TextTower(facts["query_length"], model["query_layers"], model)
        self.title = TextTower(facts["title_length"], model["title_layers"], model)
        self.image = ImageTower(data.patch_width, model["image_layers"], model)
        self.adapt = ModalAdaptation(d, model["heads"])
        self.project_query, self.project_product = nn.Linear(d, P), nn.Linear(d, P)
        self.log_scale = nn.Parameter(torch.tensor(math.log(recipe["negatives"]["scale"])))
        for name, p in self.named_parameters():
            if p.dim() > 1:
                nn.init.normal_(p, std=model["initial"])
            elif name.endswith("bias"):
                nn.init.zeros_(p)

    def unit(self, x):
        return F.normalize(x.float(), dim=1, eps=1e-12) if self.cosine else x.float()

    def embed_queries(self, text):
        return self.unit(self.project_query(self.query(self.query_token, text)[:, 0]))  # (B, P)

    def embed_products(self, text, patch, present):
        title = self.title(self.title_token, text)
        return self.unit(self.project_product(self.adapt(title, self.image(patch), text.there, present)))  # (B, P)

    def forward(self, query, title, patch, present):
        return self.embed_queries(query), self.embed_products(title, patch, present)


def qpm_loss(query, product, bank, masked, log_p, bank_log_p, scale, weights):
    """arXiv 2304.04377, eq. 3, as Argosy has it (kernels/qpm_loss.hpp). `masked` (B, B + K): columns that are no negatives of a query; its
    own column, the positive, is none of them and has no weight."""
    B = len(query)
    weight_product, weight_bank = weights
    own = torch.arange(B, device=query.device)
    shift = torch.full((B, B), math.log(weight_product), device=query.device).fill_diagonal_(0)
    terms = scale * query @ product.T - log_p + shift
    if len(bank):
        terms = torch.cat([terms, scale * query @ bank.T - bank_log_p + math.log(weight_bank)], 1)
    return F.cross_entropy(terms.masked_fill(masked, -math.inf), own)
