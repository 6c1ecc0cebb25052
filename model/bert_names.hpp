// The names that one BERT encoder has here and in the usual Python tools (BertModel of transformers; RobertaModel and StructBERT have the
// same). Ours are those within a tower: `query.0.q.weight` is `0.q.weight` of the tower `query`.
//     token position type                 embeddings.{word,position,token_type}_embeddings.weight
//     embedding_ln.{weight,bias}          embeddings.LayerNorm.{weight,bias}
//     L.{q,k,v,o}.{weight,bias}           encoder.layer.L.attention.{self.query,self.key,self.value,output.dense}.{weight,bias}
//     L.{up,down}.{weight,bias}           encoder.layer.L.{intermediate,output}.dense.{weight,bias}
//     L.{ln1,ln2}.{weight,bias}           encoder.layer.L.{attention.output,output}.LayerNorm.{weight,bias}
#pragma once

#include <string>
#include <string_view>

namespace argosy {

// Both empty when there is no such name.
std::string bert_name_of(std::string_view ours);
// `theirs` without what stands before `embeddings.` or `encoder.`. `LayerNorm.{gamma,beta}`, from the days of TensorFlow, is known too.
std::string name_of_bert(std::string_view theirs);

}  // namespace argosy
