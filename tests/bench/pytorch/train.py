"""A training step of the model, with its batches, memory bank, schedule and optimiser (actors/train_step.hpp)."""
import time
from typing import NamedTuple

import numpy as np
import torch

from model import Block, RetrievalModel, Side, Text, qpm_loss
from prepared import Ragged, total_steps

DTYPES = ("float32", "bfloat16")
LAYOUTS = ("padded", "packed")


def lay_out(text, layout):
    """A Ragged as the model's Text. An empty sequence becomes one piece 0, which the model then leaves out."""
    length = np.maximum(text.length, 1)
    if (text.length == 0).any():
        value = np.zeros(length.sum(), np.int64)
        value[np.repeat(text.length > 0, length)] = text.value
        text = text._replace(value=value)
    longest = int(length.max())
    there = np.arange(longest) < length[:, None]
    if layout == "padded":
        token = np.zeros(there.shape, np.int64)
        token[there] = text.value
        return Text(torch.from_numpy(token), torch.from_numpy(there))
    offset = np.concatenate([[0], np.cumsum(length)]).astype(np.int32)
    return Text(torch.from_numpy(text.value), torch.from_numpy(there), torch.from_numpy(np.flatnonzero(there)), torch.from_numpy(offset))


def columns_holding(wanted, columns):
    """All (query, column) whose column holds one of the products wanted by the query; columns may hold a product more than once."""
    order = np.argsort(columns, kind="stable")
    first = np.searchsorted(columns, wanted.value, "left", sorter=order)
    count = np.searchsorted(columns, wanted.value, "right", sorter=order) - first
    query = np.repeat(np.arange(len(wanted.length)), wanted.length)
    ends = np.cumsum(count)
    at = np.arange(ends[-1] if len(ends) else 0) + np.repeat(first - (ends - count), count)
    return np.repeat(query, count), order[at]


class MemoryBank:
    """The product vectors of past steps, a ring whose oldest entries leave first (model/memory_bank.hpp)."""

    def __init__(self, capacity, width, device):
        self.embedding, self.log_p = torch.zeros(capacity, width, device=device), torch.zeros(capacity, device=device)
        self.product = np.zeros(capacity, np.int64)
        self.valid = self.next = 0

    def push(self, embedding, product, log_p):
        capacity = len(self.product)
        kept = min(len(product), capacity)
        at = (self.next + np.arange(kept)) % capacity
        rows = torch.from_numpy(at).to(self.log_p.device)
        self.embedding[rows], self.log_p[rows], self.product[at] = embedding[-kept:], log_p[-kept:], product[-kept:]
        self.next = (self.next + kept) % capacity
        self.valid = min(self.valid + kept, capacity)


class Ready(NamedTuple):
    """A batch as tensors."""

    query: Text
    title: Text
    patch: torch.Tensor  # (B, 16, W) bytes
    present: torch.Tensor  # (B, 2): has a title, has an image
    product: np.ndarray
    log_p: torch.Tensor
    known: tuple
    tokens: int  # real rows
    rows: int  # computed rows

    def to(self, device):
        """On the device; from pinned memory, without waiting, where that is a GPU."""
        if device.type == "cpu":
            return self
        move = lambda t: None if t is None else t.pin_memory().to(device, non_blocking=True)  # noqa: E731
        return self._replace(query=Text(*map(move, self.query)), title=Text(*map(move, self.title)), patch=move(self.patch),
                             present=move(self.present), log_p=move(self.log_p))


def make_ready(batch, layout):
    query, title = lay_out(batch.query, layout), lay_out(batch.title, layout)
    present = torch.from_numpy(np.stack([batch.title.length > 0, batch.has_image], 1).astype(np.float32))
    image_rows = len(batch.patch) * (batch.patch.shape[1] + 1)
    rows = query.token.numel() + title.token.numel() + image_rows
    return Ready(query, title, torch.from_numpy(batch.patch), present, batch.product, torch.from_numpy(batch.log_p), batch.known,
                 batch.tokens(), rows)


class Report(NamedTuple):
    loss: torch.Tensor  # a number on the device: reading it waits
    gradient_norm: torch.Tensor
    seconds: dict  # of each phase


class Trainer:
    """`compiled`: the blocks by torch.compile; `adamw`: more options of torch.optim.AdamW."""

    def __init__(self, recipe, data, dtype="float32", compiled=False, adamw=None, device="cpu"):
        self.recipe, self.steps, self.device = recipe, total_steps(recipe, data.facts["pairs"]), torch.device(device)
        self.model = RetrievalModel(recipe, data).to(self.device)
        if compiled:  # block by block: a few graphs serve them all
            for part in self.model.modules():
                if isinstance(part, (Block, Side)):
                    part.compile()
        self.autocast = torch.autocast(self.device.type, torch.bfloat16, enabled=dtype == "bfloat16")
        negatives, o = recipe["negatives"], recipe["optimiser"]
        self.weights = negatives["weight_product"], negatives["weight_bank"]
        self.bank = MemoryBank(negatives["bank"], recipe["model"]["projection"], self.device)
        parameters = list(self.model.parameters())
        groups = [
            dict(params=[p for p in parameters if p.dim() > 1], weight_decay=o["weight_decay"]),
            dict(params=[p for p in parameters if p.dim() <= 1], weight_decay=0.0),
        ]
        self.optimiser = torch.optim.AdamW(groups, lr=o["rate"], betas=(o["beta1"], o["beta2"]), eps=o["eps"], **(adamw or {}))

    def rate(self, step):
        o, f = self.recipe["optimiser"], (step + 1) / self.steps
        if f <= o["warmup"]:
            return o["rate"] * f / o["warmup"]
        return o["rate"] * (1 - f) / (1 - o["warmup"]) if o["warmup"] < 1 else o["rate"]

    def masked(self, ready, bank):
        B, columns = len(ready.product), np.concatenate([ready.product, self.bank.product[:bank]])
        known, own = columns_holding(ready.known, columns), columns_holding(Ragged(ready.product, np.ones(B, np.int64)), columns)
        cells = torch.from_numpy(np.concatenate([np.stack(known), np.stack(own)], 1)).to(self.device, non_blocking=True)
        masked = torch.zeros(B, len(columns), dtype=torch.bool, device=self.device)
        masked[cells[0], cells[1]] = True
        masked[:, :B].fill_diagonal_(False)
        return masked

    def match(self, ready, query, product, step):
        started = step >= self.recipe["negatives"]["bank_start"] * self.steps
        bank = self.bank.valid if started else 0
        scale = self.model.log_scale.exp().clamp(max=self.recipe["negatives"]["scale_limit"])
        return qpm_loss(query, product, self.bank.embedding[:bank], self.masked(ready, bank), ready.log_p, self.bank.log_p[:bank], scale,
                        self.weights)

    def step(self, ready, step):
        seconds, last = {}, time.perf_counter()

        def lap(phase):
            nonlocal last
            now = time.perf_counter()
            seconds[phase], last = now - last, now

        for group in self.optimiser.param_groups:
            group["lr"] = self.rate(step)
        with self.autocast:
            query, product = self.model(ready.query, ready.title, ready.patch, ready.present)
        lap("forward")
        loss = self.match(ready, query, product, step)
        lap("match")
        loss.backward()
        lap("backward")
        norm = torch.nn.utils.clip_grad_norm_(self.model.parameters(), self.recipe["optimiser"]["clip"])
        self.optimiser.step()
        self.optimiser.zero_grad(set_to_none=True)
        if len(self.bank.product):
            self.bank.push(product.detach(), ready.product, ready.log_p)
        lap("update")
        return Report(loss.detach(), norm, seconds)
