"""A BERT checkpoint of the base size with random weights, as transformers' BertModel writes it: model.safetensors and config.json."""
import json

import numpy

import tensor_files

LAYERS, HIDDEN, HEADS, FEED_FORWARD = 12, 768, 12, 3072


def shapes(words, positions):
    """Names and shapes in the order of BertModel.state_dict()."""
    yield "embeddings.word_embeddings.weight", (words, HIDDEN)
    yield "embeddings.position_embeddings.weight", (positions, HIDDEN)
    yield "embeddings.token_type_embeddings.weight", (2, HIDDEN)
    yield from norm("embeddings.LayerNorm")
    for layer in range(LAYERS):
        block = f"encoder.layer.{layer}."
        for part in ("attention.self.query", "attention.self.key", "attention.self.value", "attention.output.dense"):
            yield from linear(block + part, HIDDEN, HIDDEN)
        yield from norm(block + "attention.output.LayerNorm")
        yield from linear(block + "intermediate.dense", FEED_FORWARD, HIDDEN)
        yield from linear(block + "output.dense", HIDDEN, FEED_FORWARD)
        yield from norm(block + "output.LayerNorm")
    yield from linear("pooler.dense", HIDDEN, HIDDEN)


def linear(name, out, columns):
    yield name + ".weight", (out, columns)
    yield name + ".bias", (out,)


def norm(name):
    yield name + ".weight", (HIDDEN,)
    yield name + ".bias", (HIDDEN,)


def write(folder, words, positions):
    draw = numpy.random.default_rng(11)
    tensors = {}
    for name, shape in shapes(words, positions):
        middle = 1 if name.endswith("LayerNorm.weight") else 0
        tensors[name] = (middle + 0.02 * draw.standard_normal(shape, dtype=numpy.float32)).astype(numpy.float32)
    folder.mkdir(parents=True)
    tensor_files.write(folder / "model.safetensors", tensors)
    config = {"model_type": "bert", "num_attention_heads": HEADS, "hidden_act": "gelu", "layer_norm_eps": 1e-12}
    (folder / "config.json").write_text(json.dumps(config))
