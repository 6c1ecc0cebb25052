// TOML as a table. invalid_argument names the text (a file) and the line.
#pragma once

#include <string>
#include <string_view>

#include <toml++/toml.h>

#include "base/status.hpp"

namespace argosy {

inline result<toml::table> parse_toml(std::string_view text, std::string_view name) {
  try {
    return toml::parse(text);
  } catch (const toml::parse_error& error) {
    return status{errc::invalid_argument,
                  std::string(name) + ":" + std::to_string(error.source().begin.line) + ": not TOML: " + std::string(error.description())};
  }
}

}  // namespace argosy
