#include "model/safetensors.hpp"

#include <algorithm>
#include <bit>
#include <cerrno>
#include <cmath>
#include <cstdio>
#include <cstring>
#include <limits>
#include <memory>
#include <nlohmann/json.hpp>

#include "schema/folder.hpp"

namespace argosy {
namespace {

using nlohmann::json;

static_assert(std::endian::native == std::endian::little, "files are little-endian and read in place");

constexpr std::uint64_t longest_header = 100u << 20;  // the limit of the format's own library
constexpr std::uint64_t longest_file = 1ull << 40;

std::int64_t width_of(std::string_view type) {
  if (type == "F64" || type == "I64" || type == "U64") return 8;
  if (type == "F32" || type == "I32" || type == "U32") return 4;
  if (type == "F16" || type == "BF16" || type == "I16" || type == "U16") return 2;
  if (type == "U8" || type == "I8" || type == "BOOL") return 1;
  return 0;
}

status broken(const std::filesystem::path& path, const std::string& what) { return {errc::corrupt, path.string() + ": " + what}; }

// Number of elements, or -1 when it cannot be held.
std::int64_t count_of(std::span<const std::int64_t> shape) {
  std::int64_t count = 1;
  for (const auto n : shape) {
    if (n < 0 || __builtin_mul_overflow(count, n, &count)) return -1;
  }
  return count;
}

status read_tensor(const std::filesystem::path& path, const std::string& name, const json& entry, std::string_view data, safetensor& out) {
  const auto where = "tensor `" + name + "`: ";
  if (!entry.is_object() || !entry.contains("dtype") || !entry.contains("shape") || !entry.contains("data_offsets"))
    return broken(path, where + "want dtype, shape and data_offsets");
  out.name = name;
  out.type = entry["dtype"].is_string() ? entry["dtype"].get<std::string>() : "";
  const auto width = width_of(out.type);
  if (width == 0) return broken(path, where + "unknown dtype `" + out.type + "`");
  const auto& shape = entry["shape"];
  const auto& offsets = entry["data_offsets"];
  const auto natural = [](const json& list) {
    return list.is_array() && std::ranges::all_of(list, [](const json& n) { return n.is_number_unsigned(); });
  };
  if (!natural(shape) || !natural(offsets) || offsets.size() != 2)
    return broken(path, where + "shape and data_offsets must be lists of natural numbers");
  out.shape = shape.get<std::vector<std::int64_t>>();
  const auto first = offsets[0].get<std::uint64_t>(), last = offsets[1].get<std::uint64_t>();
  if (first > last || last > data.size())
    return broken(path, where + "data_offsets " + std::to_string(first) + " .. " + std::to_string(last) + " lie outside the " +
                            std::to_string(data.size()) + " bytes of data");
  const auto count = count_of(out.shape);
  std::int64_t bytes = 0;
  if (count < 0 || __builtin_mul_overflow(count, width, &bytes) || static_cast<std::uint64_t>(bytes) != last - first)
    return broken(path,
                  where + "its shape wants another number of bytes than the " + std::to_string(last - first) + " that data_offsets give");
  const auto* begin = reinterpret_cast<const std::byte*>(data.data() + first);
  out.data.assign(begin, begin + bytes);
  return {};
}

template <class From, class To>
std::vector<To> converted(const std::vector<std::byte>& data) {
  std::vector<To> out(data.size() / sizeof(From));
  for (std::size_t i = 0; i < out.size(); ++i) {
    From value;
    std::memcpy(&value, data.data() + i * sizeof(From), sizeof(From));
    out[i] = static_cast<To>(value);
  }
  return out;
}

// IEEE 754's binary16: 5 bits of exponent, 10 of fraction.
float from_half(std::uint16_t bits) {
  const int exponent = (bits >> 10) & 0x1f, fraction = bits & 0x3ff;
  float size = std::numeric_limits<float>::infinity();
  if (exponent < 0x1f)
    size = exponent == 0 ? std::ldexp(static_cast<float>(fraction), -24) : std::ldexp(static_cast<float>(fraction + 0x400), exponent - 25);
  else if (fraction != 0)
    size = std::numeric_limits<float>::quiet_NaN();
  return (bits & 0x8000) != 0 ? -size : size;
}

// The upper half of a float32.
float from_bfloat(std::uint16_t bits) { return std::bit_cast<float>(static_cast<std::uint32_t>(bits) << 16); }

template <class Widen>
std::vector<float> widened(const std::vector<std::byte>& data, Widen widen) {
  const auto bits = converted<std::uint16_t, std::uint16_t>(data);
  std::vector<float> out(bits.size());
  std::ranges::transform(bits, out.begin(), widen);
  return out;
}

json header_of(const safetensors_file& file) {
  json header = json::object();
  if (!file.metadata.empty()) header["__metadata__"] = file.metadata;
  std::uint64_t at = 0;
  for (const auto& t : file.tensors) {
    header[t.name] = {{"dtype", t.type}, {"shape", t.shape}, {"data_offsets", {at, at + t.data.size()}}};
    at += t.data.size();
  }
  return header;
}

}  // namespace

std::int64_t safetensor::count() const noexcept { return count_of(shape); }

result<std::vector<double>> safetensor::numbers() const {
  if (type == "F64") return converted<double, double>(data);
  if (type == "F32") return converted<float, double>(data);
  return status{errc::shape_mismatch, "tensor `" + name + "`: want F32 or F64, got " + type};
}

result<std::vector<std::int64_t>> safetensor::integers() const {
  if (type == "I64") return converted<std::int64_t, std::int64_t>(data);
  return status{errc::shape_mismatch, "tensor `" + name + "`: want I64, got " + type};
}

result<std::vector<float>> safetensor::floats() const {
  if (type == "F32") return converted<float, float>(data);
  if (type == "F16") return widened(data, from_half);
  if (type == "BF16") return widened(data, from_bfloat);
  return status{errc::shape_mismatch, "tensor `" + name + "`: want F32, F16 or BF16, got " + type};
}

safetensor f32_tensor(std::string name, std::vector<std::int64_t> shape, std::span<const float> values) {
  const auto bytes = std::as_bytes(values);
  return {std::move(name), "F32", std::move(shape), {bytes.begin(), bytes.end()}};
}

const safetensor* safetensors_file::find(std::string_view name) const noexcept {
  const auto at = std::ranges::find(tensors, name, &safetensor::name);
  return at == tensors.end() ? nullptr : &*at;
}

result<safetensors_file> read_safetensors(const std::filesystem::path& path) {
  ARGOSY_ASSIGN(const auto content, read_file(path, longest_file));
  std::uint64_t header_bytes = 0;
  if (content.size() < sizeof(header_bytes)) return broken(path, "want at least 8 bytes, got " + std::to_string(content.size()));
  std::memcpy(&header_bytes, content.data(), sizeof(header_bytes));
  if (header_bytes > longest_header || header_bytes > content.size() - sizeof(header_bytes))
    return broken(path, "its header claims " + std::to_string(header_bytes) + " bytes of a file of " + std::to_string(content.size()));
  const auto whole = std::string_view(content);
  const auto header = json::parse(whole.substr(sizeof(header_bytes), header_bytes), nullptr, false);
  if (!header.is_object()) return broken(path, "its header is not a JSON object");
  const auto data = whole.substr(sizeof(header_bytes) + header_bytes);

  safetensors_file file;
  for (const auto& [name, entry] : header.items()) {
    if (name == "__metadata__") {
      if (!entry.is_object()) return broken(path, "__metadata__ is not an object");
      for (const auto& [key, value] : entry.items())
        if (value.is_string()) file.metadata[key] = value.get<std::string>();
      continue;
    }
    ARGOSY_TRY(read_tensor(path, name, entry, data, file.tensors.emplace_back()));
  }
  return file;
}

status write_safetensors(const std::filesystem::path& path, const safetensors_file& file) {
  auto header = header_of(file).dump();
  header.append((8 - header.size() % 8) % 8, ' ');
  const std::uint64_t header_bytes = header.size();
  // stdio, because a stream does not keep the reason for which it failed.
  std::unique_ptr<std::FILE, int (*)(std::FILE*)> out(std::fopen(path.c_str(), "wb"), std::fclose);
  const auto put = [&out](const void* bytes, std::size_t count) { return std::fwrite(bytes, 1, count, out.get()) == count; };
  bool good = out != nullptr && put(&header_bytes, sizeof(header_bytes)) && put(header.data(), header.size());
  for (const auto& t : file.tensors) good = good && put(t.data.data(), t.data.size());
  if (good) good = std::fclose(out.release()) == 0;
  if (!good) return {errc::io_error, path.string() + ": " + std::strerror(errno)};
  return {};
}

}  // namespace argosy
