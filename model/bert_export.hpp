// The encoders of a model with the names that the usual Python tools read, one sealed folder of kind "bert-export" each:
//   DIR/query, DIR/title    model.safetensors, config.json, vocab.txt: `BertModel.from_pretrained("DIR/query", add_pooling_layer=False)`
//   DIR/image               likewise, without vocab.txt: its only word is [CLS]. BertModel takes rows as `inputs_embeds`:
//                           [CLS], then each patch through `image.patch` of DIR/rest
//   DIR/rest                model.safetensors: all other parameters under our names
// Numbers are those of the model, bit for bit. All folders are written before the first is sealed.
#pragma once

#include <filesystem>
#include <string>
#include <vector>

#include "base/status.hpp"
#include "model/checkpoint.hpp"

namespace argosy {

// The names of the folders written.
result<std::vector<std::string>> export_bert(const loaded_model&, const std::filesystem::path& to);

}  // namespace argosy
