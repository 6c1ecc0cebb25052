// The disk of a simulated machine, which promises no more than POSIX does when the machine loses its power:
//   bytes   of a file that were synced stay; of those behind them a beginning stays, and the length without the bytes may: zeros, from a sector on
//   names   of a folder that was synced stay; of what was made, renamed and removed in it since, the first few stay, or none
// A process that dies loses nothing. Paths are "folder/file", from the disk's root.   Threads  one.
// Errors  io_error: no room, where `full`; not_found; a failed call changes nothing, but a write may leave a beginning.
#pragma once

#include <cstddef>
#include <cstdint>
#include <map>
#include <optional>
#include <set>
#include <span>
#include <string>
#include <vector>

#include "base/status.hpp"
#include "cluster/simulated_world.hpp"

namespace argosy {

class simulated_disk {
public:
  simulated_disk() { make(true); }
  bool full = false;

  status make_folder(const std::string& path);
  // Over what is there, or longer; where there is no file, made.
  status write(const std::string& path, std::uint64_t offset, std::span<const std::byte>);
  status truncate(const std::string& path, std::uint64_t bytes);
  status sync(const std::string& path);
  status sync_folder(const std::string& path);
  // Within one folder. Refused over a folder that is not empty, as rename(2) does.
  status rename(const std::string& from, const std::string& to);
  status exchange(const std::string& one, const std::string& other);
  status remove(const std::string& path);  // a folder with all in it

  bool has(const std::string& path) const { return find(path).has_value(); }
  std::set<std::string> names(const std::string& folder) const;  // none where there is none
  result<std::vector<std::byte>> read(const std::string& path) const;

  void lose_power(draws&);

private:
  using inode = std::size_t;
  using change = std::map<std::string, std::optional<inode>>;  // of names, all at once; none: removed
  struct node {
    bool folder;
    std::vector<std::byte> bytes = {};
    std::size_t synced = 0;                  // of the bytes
    std::map<std::string, inode> at = {};    // names of a folder
    std::map<std::string, inode> kept = {};  // as they were when it was synced
    std::vector<change> since = {};
  };
  struct place {
    inode folder;
    std::string name;
  };

  inode make(bool folder);
  std::optional<inode> find(const std::string& path) const;
  result<place> place_of(const std::string& path) const;  // whether there is something or not
  void apply(inode folder, change);
  void tear(node&, draws&);

  std::vector<node> nodes_;
};

}  // namespace argosy
