// Failure as a value: a code for programs, a sentence for people.
//   status       ok, or why not. `result<T>` holds a T or such a status.
// A message names the file, line or field, what was wanted and what was found: `lse: want 4 elements, got 3`.
// Used below the actors; `actors/error.hpp` turns a status into a caf::error. Nothing here throws.
#pragma once

#include <string>
#include <string_view>
#include <utility>
#include <variant>

namespace argosy {

enum class errc : unsigned char {
  ok,
  invalid_argument,  // the caller asks for something impossible
  shape_mismatch,    // two shapes, lengths or widths disagree
  not_found,         // no such file, key, product
  corrupt,           // bytes that fail their checksum or break their format
  version_mismatch,  // a file of another version of its format
  io_error,          // the operating system refused: message ends with its reason
  out_of_range,      // a number beyond its limits
  aborted,           // somebody asked to stop: Ctrl-C, a collective that was cut
  unavailable,       // not built in, not on this machine
  internal,          // our own bug
};

std::string_view name_of(errc) noexcept;

class [[nodiscard]] status {
public:
  status() noexcept = default;
  status(errc code, std::string message) : code_(code), message_(std::move(message)) {}

  bool ok() const noexcept { return code_ == errc::ok; }
  errc code() const noexcept { return code_; }
  const std::string& message() const noexcept { return message_; }
  // "corrupt: recipes/x.toml: ..." ; "ok" when ok.
  std::string text() const;
  // The same failure with `prefix: ` before its message; ok stays ok.
  status within(std::string_view prefix) const;

private:
  errc code_ = errc::ok;
  std::string message_;
};

template <class T>
class [[nodiscard]] result {
public:
  result(T value) : held_(std::in_place_index<0>, std::move(value)) {}
  result(status failure) : held_(std::in_place_index<1>, std::move(failure)) {}

  bool ok() const noexcept { return held_.index() == 0; }
  explicit operator bool() const noexcept { return ok(); }
  // REQUIRES ok().
  T& value() & { return std::get<0>(held_); }
  const T& value() const& { return std::get<0>(held_); }
  T&& value() && { return std::get<0>(std::move(held_)); }
  T& operator*() & { return value(); }
  const T& operator*() const& { return value(); }
  T* operator->() { return &value(); }
  const T* operator->() const { return &value(); }
  status failure() const { return ok() ? status{} : std::get<1>(held_); }

private:
  std::variant<T, status> held_;
};

}  // namespace argosy

// Leaves the function with the failure of `expression`, which is a status.
#define ARGOSY_TRY(expression)                                                              \
  do {                                                                                      \
    if (::argosy::status try_status_ = (expression); !try_status_.ok()) return try_status_; \
  } while (false)

#define ARGOSY_JOIN_(a, b) a##b
#define ARGOSY_JOIN(a, b) ARGOSY_JOIN_(a, b)
// `ARGOSY_ASSIGN(auto file, open(path));` declares `file` from a result, or leaves with its failure.
#define ARGOSY_ASSIGN(declaration, expression) ARGOSY_ASSIGN_(ARGOSY_JOIN(result_, __LINE__), declaration, expression)
#define ARGOSY_ASSIGN_(held, declaration, expression) \
  auto held = (expression);                           \
  if (!held.ok()) return held.failure();              \
  declaration = std::move(held).value()
