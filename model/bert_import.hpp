// Weights from a BERT-family checkpoint in safetensors: BERT, StructBERT, RoBERTa, with or without `bert.`, `roberta.` or the like before
// their names (model/bert_names.hpp). Every tensor of the file is used or listed as unused.
//   style    roberta: positions count from 2 (fairseq's padding index and one), so the first two rows are left out
//   type     the first row of the table: our sequences have one segment
//   heads    no tensor tells them: as given, or config.json beside the file, or 64 columns each as in every published BERT
//   numbers  float32; float16 and bfloat16 widened. All finite.
// Errors     a tensor that is missing or of another shape is named, with what was wanted and found: the vocabulary says how many words
//            there are, the table of words how wide it all is, layer 0 the feed-forward width.
#pragma once

#include <filesystem>
#include <string>
#include <vector>

#include "base/status.hpp"
#include "model/initial_weights.hpp"

namespace argosy {

enum class bert_style : unsigned char { bert, roberta };

struct bert_import_options {
  std::filesystem::path from, vocab;
  bert_style style = bert_style::bert;
  int heads = 0;  // 0: found out
};

struct bert_import {
  initial_weights weights;
  struct used_tensor {
    std::string name, shape;              // as in the file
    std::vector<std::string> parameters;  // of the model, that start from it
  };
  std::vector<used_tensor> used;
  std::vector<std::string> unused;   // of the file, with their shapes
  std::vector<std::string> missing;  // parameters of the model that start at random
  std::vector<std::string> notes;    // where the checkpoint's model differs from ours, or a choice was made
};

result<bert_import> import_bert(const bert_import_options&);

}  // namespace argosy
