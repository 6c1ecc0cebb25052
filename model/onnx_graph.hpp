// An ONNX graph under construction: operators of opset 17, values known by their names. The only place that knows ONNX's protobuf.
// Every verb that makes a value returns its name. Errors   of `write`: a graph beyond the 2 GiB of a protobuf, or of the file.
#pragma once

#include <cstdint>
#include <filesystem>
#include <initializer_list>
#include <memory>
#include <span>
#include <string>
#include <variant>
#include <vector>

#include "base/status.hpp"

namespace argosy {

enum class onnx_type : unsigned char { float32, int64, uint8 };

struct onnx_attribute {
  std::string name;
  std::variant<std::int64_t, float, std::vector<std::int64_t>> value;
};

class onnx_graph {
public:
  using value = std::string;
  using dimension = std::variant<std::int64_t, std::string>;  // a name: any size

  explicit onnx_graph(const std::string& name);
  ~onnx_graph();
  onnx_graph(const onnx_graph&) = delete;
  onnx_graph& operator=(const onnx_graph&) = delete;

  value input(const std::string& name, onnx_type, const std::vector<dimension>&);
  void output(const value& from, const std::string& name, const std::vector<dimension>&);
  value weight(const std::string& name, const std::vector<std::int64_t>& shape, std::span<const float>);
  value number(float);
  value integer(std::int64_t);
  value integers(const std::vector<std::int64_t>&);
  value apply(const char* op, const std::vector<value>& inputs, const std::vector<onnx_attribute>& attributes = {});
  // What a reader of the file finds beside the graph.
  void note(const std::string& key, const std::string& text);

  status write(const std::filesystem::path&) const;

private:
  struct impl;
  std::unique_ptr<impl> impl_;
};

}  // namespace argosy
