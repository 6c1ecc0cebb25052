// A target: what takes the bytes of a stranger, and what has to hold whatever they are. One file of targets for each reader; each file is a
// fuzzer of its own (cmake/ArgosyFuzz.cmake, driver/fuzzer.cpp), and all of them are in test_fuzz, which replays seeds and what was found
// (replay.cpp). `tests/fuzz/run` builds and runs the fuzzers.
#pragma once

#include <algorithm>
#include <cstddef>
#include <functional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/check.hpp"
#include "base/status.hpp"

namespace argosy::fuzz {

using bytes = std::vector<std::byte>;

struct target {
  std::string_view name;                     // of its file
  void (*take)(std::span<const std::byte>);  // ends the program, by ARGOSY_CHECK, when something does not hold
  std::vector<bytes> (*seeds)();             // by real encoders
};

inline std::vector<target>& targets() {
  static std::vector<target> all;
  return all;
}

struct registered {
  explicit registered(const target& one) { targets().push_back(one); }
};

inline std::string_view text_of(std::span<const std::byte> from) { return {reinterpret_cast<const char*>(from.data()), from.size()}; }
inline bytes bytes_of(std::string_view from) {
  const auto* first = reinterpret_cast<const std::byte*>(from.data());
  return {first, first + from.size()};
}
inline std::vector<bytes> bytes_of_each(std::initializer_list<std::string_view> texts) {
  std::vector<bytes> all;
  for (const std::string_view text : texts) all.push_back(bytes_of(text));
  return all;
}

// Of our own doing, which has to succeed.
inline void require(const status& done) {
  if (!done.ok()) check_failed(done.text().c_str(), __FILE__, __LINE__);
}
template <class T>
T required(result<T> made) {
  require(made.failure());
  return std::move(made).value();
}

}  // namespace argosy::fuzz
