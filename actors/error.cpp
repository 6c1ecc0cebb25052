#include "actors/error.hpp"

#include <caf/atom.hpp>
#include <caf/exit_reason.hpp>
#include <caf/message.hpp>
#include <caf/sec.hpp>

namespace argosy {
namespace {

constexpr caf::atom_value category = caf::atom("argosy");

std::string text_of(const caf::message& context) { return context.match_elements<std::string>() ? context.get_as<std::string>(0) : ""; }

std::string reason_of(const caf::error& failure) {
  if (failure.category() == caf::atom("system")) return to_string(static_cast<caf::sec>(failure.code()));
  if (failure.category() == caf::atom("exit")) return to_string(static_cast<caf::exit_reason>(failure.code()));
  return to_string(failure.category());
}

}  // namespace

caf::error error_of(const status& failure) {
  if (failure.ok()) return {};
  return {static_cast<std::uint8_t>(failure.code()), category, caf::make_message(failure.message())};
}

status status_of(const caf::error& failure) {
  if (!failure) return {};
  const std::string text = text_of(failure.context());
  if (failure.category() == category) return {static_cast<errc>(failure.code()), text};
  return {errc::unavailable, text.empty() ? reason_of(failure) : reason_of(failure) + ": " + text};
}

status thrown(const std::exception_ptr& exception) {
  try {
    std::rethrow_exception(exception);
  } catch (const std::exception& e) {
    return {errc::internal, e.what()};
  } catch (...) {
    return {errc::internal, "an exception of an unknown type"};
  }
}

}  // namespace argosy
