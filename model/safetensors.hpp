// Weights on disk as the usual Python tools read them: u64 header length, JSON header, raw little-endian data.
// Format: FORMATS.md. Reading trusts nothing: lengths, offsets and shapes are checked against the file before a byte is used.
#pragma once

#include <cstdint>
#include <filesystem>
#include <map>
#include <span>
#include <string>
#include <vector>

#include "base/status.hpp"

namespace argosy {

struct safetensor {
  std::string name;
  std::string type;  // "F32", "F16", "BF16", "F64", "I64", ...
  std::vector<std::int64_t> shape;
  std::vector<std::byte> data;
  std::int64_t count() const noexcept;
  // The numbers as double or int64. shape_mismatch for another type.
  result<std::vector<double>> numbers() const;
  result<std::vector<std::int64_t>> integers() const;
  // F32 as it is, F16 and BF16 widened, which is exact. shape_mismatch for another type.
  result<std::vector<float>> floats() const;
};

struct safetensors_file {
  std::map<std::string, std::string> metadata;
  std::vector<safetensor> tensors;
  const safetensor* find(std::string_view name) const noexcept;
};

safetensor f32_tensor(std::string name, std::vector<std::int64_t> shape, std::span<const float> values);

result<safetensors_file> read_safetensors(const std::filesystem::path&);
status write_safetensors(const std::filesystem::path&, const safetensors_file&);

}  // namespace argosy
