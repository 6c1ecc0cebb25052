#include "model/onnx_graph.hpp"

#include <onnx/onnx_pb.h>
#include <limits>

#include "schema/folder.hpp"

namespace argosy {
namespace {

constexpr std::int64_t ir_version = 8, opset = 17;

onnx::TensorProto_DataType type_of(onnx_type type) {
  switch (type) {
    case onnx_type::float32: return onnx::TensorProto_DataType_FLOAT;
    case onnx_type::int64: return onnx::TensorProto_DataType_INT64;
    case onnx_type::uint8: return onnx::TensorProto_DataType_UINT8;
  }
  return onnx::TensorProto_DataType_UNDEFINED;
}

void describe(onnx::ValueInfoProto& to, const std::string& name, onnx_type type, const std::vector<onnx_graph::dimension>& shape) {
  to.set_name(name);
  auto& tensor = *to.mutable_type()->mutable_tensor_type();
  tensor.set_elem_type(type_of(type));
  for (const auto& d : shape) {
    auto& dim = *tensor.mutable_shape()->add_dim();
    if (const auto* size = std::get_if<std::int64_t>(&d))
      dim.set_dim_value(*size);
    else
      dim.set_dim_param(std::get<std::string>(d));
  }
}

void set(onnx::AttributeProto& to, std::int64_t value) {
  to.set_type(onnx::AttributeProto_AttributeType_INT);
  to.set_i(value);
}
void set(onnx::AttributeProto& to, float value) {
  to.set_type(onnx::AttributeProto_AttributeType_FLOAT);
  to.set_f(value);
}
void set(onnx::AttributeProto& to, const std::vector<std::int64_t>& values) {
  to.set_type(onnx::AttributeProto_AttributeType_INTS);
  for (const auto v : values) to.add_ints(v);
}

}  // namespace

struct onnx_graph::impl {
  onnx::ModelProto model;
  std::size_t made = 0;

  onnx::GraphProto& graph() { return *model.mutable_graph(); }
  std::string next(const char* kind) { return std::string(kind) + "." + std::to_string(made++); }
  template <class T>
  void add_tensor(const std::string& name, onnx_type type, std::span<const std::int64_t> shape, std::span<const T> values) {
    auto& tensor = *graph().add_initializer();
    tensor.set_name(name);
    tensor.set_data_type(type_of(type));
    for (const auto n : shape) tensor.add_dims(n);
    tensor.set_raw_data(values.data(), values.size_bytes());
  }
};

onnx_graph::onnx_graph(const std::string& name) : impl_(std::make_unique<impl>()) {
  auto& model = impl_->model;
  model.set_ir_version(ir_version);
  model.set_producer_name("argosy");
  model.add_opset_import()->set_version(opset);
  impl_->graph().set_name(name);
}

onnx_graph::~onnx_graph() = default;

onnx_graph::value onnx_graph::input(const std::string& name, onnx_type type, const std::vector<dimension>& shape) {
  describe(*impl_->graph().add_input(), name, type, shape);
  return name;
}

void onnx_graph::output(const value& from, const std::string& name, const std::vector<dimension>& shape) {
  auto& node = *impl_->graph().add_node();
  node.set_op_type("Identity");
  node.set_name(name);
  node.add_input(from);
  node.add_output(name);
  describe(*impl_->graph().add_output(), name, onnx_type::float32, shape);
}

onnx_graph::value onnx_graph::weight(const std::string& name, const std::vector<std::int64_t>& shape, std::span<const float> values) {
  impl_->add_tensor(name, onnx_type::float32, shape, values);
  return name;
}

onnx_graph::value onnx_graph::number(float n) {
  auto name = impl_->next("number");
  impl_->add_tensor(name, onnx_type::float32, {}, std::span<const float>(&n, 1));
  return name;
}

onnx_graph::value onnx_graph::integer(std::int64_t n) {
  auto name = impl_->next("integer");
  impl_->add_tensor(name, onnx_type::int64, {}, std::span<const std::int64_t>(&n, 1));
  return name;
}

onnx_graph::value onnx_graph::integers(const std::vector<std::int64_t>& values) {
  auto name = impl_->next("integers");
  const std::int64_t shape[] = {static_cast<std::int64_t>(values.size())};
  impl_->add_tensor(name, onnx_type::int64, shape, std::span<const std::int64_t>(values));
  return name;
}

onnx_graph::value onnx_graph::apply(const char* op, const std::vector<value>& inputs, const std::vector<onnx_attribute>& attributes) {
  auto& node = *impl_->graph().add_node();
  auto name = impl_->next(op);
  node.set_op_type(op);
  node.set_name(name);
  for (const auto& in : inputs) node.add_input(in);
  node.add_output(name);
  for (const auto& a : attributes) {
    auto& to = *node.add_attribute();
    to.set_name(a.name);
    std::visit([&](const auto& v) { set(to, v); }, a.value);
  }
  return name;
}

void onnx_graph::note(const std::string& key, const std::string& text) {
  auto& entry = *impl_->model.add_metadata_props();
  entry.set_key(key);
  entry.set_value(text);
}

status onnx_graph::write(const std::filesystem::path& path) const {
  const auto bytes = impl_->model.ByteSizeLong();
  constexpr auto most = static_cast<std::size_t>(std::numeric_limits<std::int32_t>::max());
  if (bytes > most)
    return {errc::out_of_range,
            path.string() + ": an ONNX file holds at most " + std::to_string(most) + " bytes, the graph takes " + std::to_string(bytes)};
  std::string content;
  if (!impl_->model.SerializeToString(&content)) return {errc::internal, path.string() + ": the graph could not be serialised"};
  return replace_file(path, content);
}

}  // namespace argosy
