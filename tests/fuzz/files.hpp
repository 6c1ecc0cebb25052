// Files for targets that open them. Checksums would refuse what a fuzzer changes, so it changes the bytes of the sections, and the container
// is made anew around them, by the real writer: of each section in the order of the kind, its length u32 and its bytes. What is missing is
// empty.
#pragma once

#include <cstdint>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <span>
#include <vector>

#include "schema/container.hpp"
#include "tests/fuzz/target.hpp"
#include "tests/support/folders.hpp"

namespace argosy::fuzz {

struct section_type {
  std::string_view name;
  element type = element::u8;
};

// One for all inputs: they come one after the other.
inline const std::filesystem::path& folder() {
  static const test::scratch_folder made{test::memory_parent()};
  return made.path();
}

inline void write_file(const std::filesystem::path& path, std::span<const std::byte> content) {
  const std::string_view text = text_of(content);
  std::ofstream(path, std::ios::binary | std::ios::trunc).write(text.data(), static_cast<std::streamsize>(text.size()));
}

// The bytes of the next section; `input` moves behind them.
inline std::span<const std::byte> next_section(std::span<const std::byte>& input) {
  std::uint32_t length = 0;
  const std::size_t head = std::min(input.size(), sizeof(length));
  if (head > 0) std::memcpy(&length, input.data(), head);
  input = input.subspan(head);
  const auto found = input.first(std::min<std::size_t>(length, input.size()));
  input = input.subspan(found.size());
  return found;
}

inline void write_container(const std::filesystem::path& path, file_kind kind, std::span<const section_type> sections,
                            std::span<const std::byte> input) {
  auto writer = required(container_writer::create(path, kind));
  for (const section_type& of : sections) {
    const auto found = next_section(input);
    require(writer.begin(of.name, of.type));
    require(writer.append(found.first(found.size() / size_of(of.type) * size_of(of.type))));
  }
  require(writer.finish());
}

template <class T>
void append_section(const container_reader& file, std::string_view name, bytes& to) {
  const auto found = std::as_bytes(required(file.section<T>(name)));
  const auto length = static_cast<std::uint32_t>(found.size());
  const auto head = std::as_bytes(std::span(&length, 1));
  to.insert(to.end(), head.begin(), head.end());
  to.insert(to.end(), found.begin(), found.end());
}

// The input that makes a file of these sections.
inline bytes input_of(const std::filesystem::path& path, file_kind kind, std::span<const section_type> sections) {
  const auto file = required(container_reader::open(path, kind));
  bytes input;
  for (const section_type& of : sections) {
    switch (of.type) {
      case element::u8: append_section<std::uint8_t>(file, of.name, input); break;
      case element::u16: append_section<std::uint16_t>(file, of.name, input); break;
      case element::u32: append_section<std::uint32_t>(file, of.name, input); break;
      case element::u64: append_section<std::uint64_t>(file, of.name, input); break;
      case element::i32: append_section<std::int32_t>(file, of.name, input); break;
      case element::i64: append_section<std::int64_t>(file, of.name, input); break;
      case element::f32: append_section<float>(file, of.name, input); break;
      case element::f64: append_section<double>(file, of.name, input); break;
    }
  }
  return input;
}

}  // namespace argosy::fuzz
