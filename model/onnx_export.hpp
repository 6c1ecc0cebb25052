// The towers of a model as ONNX graphs (opset 17), in a sealed folder of kind "onnx-export". Batch B and lengths T are free.
//   query.onnx     input_ids (B, T) int64, attention_mask (B, T) int64: 1 for a piece, 0 for padding      -> embedding (B, P) float32
//   product.onnx   title_ids, title_mask (B, T) int64 likewise; a product without a title has a mask of zeros;
//                  patches (B, 16, W) uint8 as in the prepared data, has_image (B) int64: 1 or 0             -> embedding (B, P) float32
//                  or features (B, 16, F) float32 of the model's backbone instead of patches, when it has one;
//                  modal adaptation included; the inputs of a modality that the recipe leaves out are not there
//   vocab.txt      of the pieces
// T is at most the number of positions, which `query_length` and `title_length` of the graph's metadata tell, beside image_width,
// image_height, the segmenter of the words and the backbone. Embeddings have length one when the recipe compares by cosine.
// Truth    ONNX Runtime against the model: tests/parity/onnx_parity.py.
#pragma once

#include <filesystem>

#include "base/status.hpp"
#include "model/checkpoint.hpp"

namespace argosy {

status export_onnx(const loaded_model&, const std::filesystem::path& to);

}  // namespace argosy
