#include "tools/npy.hpp"

#include <cstddef>

namespace argosy {
namespace {

std::string npy(std::string_view type, std::span<const std::byte> bytes, std::int64_t rows, std::int64_t columns) {
  std::string header = "{'descr': '" + std::string(type) + "', 'fortran_order': False, 'shape': (" + std::to_string(rows) + ", " +
                       std::to_string(columns) + "), }";
  constexpr std::size_t before = 10, multiple = 64;
  header.append(multiple - 1 - (before + header.size()) % multiple, ' ').push_back('\n');
  std::string file("\x93NUMPY\x01\x00", 8);
  file += {static_cast<char>(header.size() & 0xff), static_cast<char>(header.size() >> 8)};
  return file.append(header).append(reinterpret_cast<const char*>(bytes.data()), bytes.size());
}

}  // namespace

std::string npy_of(std::span<const float> values, std::int64_t columns) {
  return npy("<f4", std::as_bytes(values), static_cast<std::int64_t>(values.size()) / columns, columns);
}
std::string npy_of(std::span<const std::int64_t> values, std::int64_t columns) {
  return npy("<i8", std::as_bytes(values), static_cast<std::int64_t>(values.size()) / columns, columns);
}

}  // namespace argosy
