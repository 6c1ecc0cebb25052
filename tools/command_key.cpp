#include <ostream>

#include "net/access_file.hpp"
#include "net/curve_keys.hpp"
#include "tools/commands.hpp"

namespace argosy {

status run_new_key(const key_options& options, const console& io) {
  ARGOSY_ASSIGN(const rights may, rights_named(options.may));
  ARGOSY_ASSIGN(const std::string key, add_key(options.keys, options.name, may));
  io.out << key << std::endl;
  return {};
}

status run_curve_keys(const curve_key_options& options, const console& io) {
  ARGOSY_ASSIGN(const std::string open, write_curve_pair(options.file));
  io.out << open << std::endl;
  return {};
}

}  // namespace argosy
