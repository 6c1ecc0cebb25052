#include "cluster/simulated_disk.hpp"

#include <algorithm>
#include <utility>

namespace argosy {
namespace {

constexpr std::size_t sector = 512;  // a disk writes no less at once

status no_such(const std::string& path) { return {errc::not_found, path + ": want a file or folder, found none"}; }
status no_room(const std::string& path) { return {errc::io_error, path + ": no space left"}; }

void change_names(std::map<std::string, std::size_t>& names, const std::map<std::string, std::optional<std::size_t>>& by) {
  for (const auto& [name, at] : by) {
    if (at)
      names[name] = *at;
    else
      names.erase(name);
  }
}

}  // namespace

simulated_disk::inode simulated_disk::make(bool folder) {
  nodes_.push_back({.folder = folder});
  return nodes_.size() - 1;
}

std::optional<simulated_disk::inode> simulated_disk::find(const std::string& path) const {
  inode at = 0;
  for (std::size_t begin = 0; begin < path.size();) {
    const std::size_t end = std::min(path.find('/', begin), path.size());
    const auto found = nodes_[at].at.find(path.substr(begin, end - begin));
    if (found == nodes_[at].at.end()) return std::nullopt;
    at = found->second;
    begin = end + 1;
  }
  return at;
}

result<simulated_disk::place> simulated_disk::place_of(const std::string& path) const {
  const std::size_t slash = path.rfind('/');
  const std::string folder = slash == std::string::npos ? "" : path.substr(0, slash);
  const auto at = find(folder);
  if (!at || !nodes_[*at].folder) return no_such(folder);
  return place{*at, slash == std::string::npos ? path : path.substr(slash + 1)};
}

void simulated_disk::apply(inode folder, change what) {
  change_names(nodes_[folder].at, what);
  nodes_[folder].since.push_back(std::move(what));
}

status simulated_disk::make_folder(const std::string& path) {
  if (find(path)) return {};
  ARGOSY_ASSIGN(const place in, place_of(path));
  if (full) return no_room(path);
  apply(in.folder, {{in.name, make(true)}});
  return {};
}

status simulated_disk::write(const std::string& path, std::uint64_t offset, std::span<const std::byte> bytes) {
  ARGOSY_ASSIGN(const place in, place_of(path));
  const std::size_t some = full ? bytes.size() / 2 : bytes.size();
  if (full && !find(path)) return no_room(path);
  if (!find(path)) apply(in.folder, {{in.name, make(false)}});
  node& file = nodes_[*find(path)];
  file.bytes.resize(std::max<std::size_t>(file.bytes.size(), offset + some));
  std::copy_n(bytes.begin(), some, file.bytes.begin() + static_cast<std::ptrdiff_t>(offset));
  file.synced = std::min<std::size_t>(file.synced, offset);
  return full ? no_room(path) : status{};
}

status simulated_disk::truncate(const std::string& path, std::uint64_t bytes) {
  const auto at = find(path);
  if (!at) return no_such(path);
  nodes_[*at].bytes.resize(bytes);
  nodes_[*at].synced = std::min<std::size_t>(nodes_[*at].synced, bytes);
  return {};
}

status simulated_disk::sync(const std::string& path) {
  const auto at = find(path);
  if (!at) return no_such(path);
  nodes_[*at].synced = nodes_[*at].bytes.size();
  return {};
}

status simulated_disk::sync_folder(const std::string& path) {
  const auto at = find(path);
  if (!at) return no_such(path);
  nodes_[*at].kept = nodes_[*at].at;
  nodes_[*at].since.clear();
  return {};
}

status simulated_disk::rename(const std::string& from, const std::string& to) {
  ARGOSY_ASSIGN(const place before, place_of(from));
  ARGOSY_ASSIGN(const place after, place_of(to));
  const auto moved = find(from);
  if (!moved || before.folder != after.folder) return no_such(from);
  const auto there = find(to);
  if (there && nodes_[*there].folder && !nodes_[*there].at.empty()) return {errc::io_error, to + ": directory not empty"};
  apply(before.folder, {{before.name, std::nullopt}, {after.name, moved}});
  return {};
}

status simulated_disk::exchange(const std::string& one, const std::string& other) {
  ARGOSY_ASSIGN(const place first, place_of(one));
  ARGOSY_ASSIGN(const place second, place_of(other));
  const auto from = find(one), to = find(other);
  if (!from || !to || first.folder != second.folder) return no_such(one);
  apply(first.folder, {{first.name, to}, {second.name, from}});
  return {};
}

status simulated_disk::remove(const std::string& path) {
  ARGOSY_ASSIGN(const place in, place_of(path));
  if (find(path)) apply(in.folder, {{in.name, std::nullopt}});
  return {};
}

std::set<std::string> simulated_disk::names(const std::string& folder) const {
  std::set<std::string> all;
  if (const auto at = find(folder))
    for (const auto& [name, what] : nodes_[*at].at) all.insert(name);
  return all;
}

result<std::vector<std::byte>> simulated_disk::read(const std::string& path) const {
  const auto at = find(path);
  if (!at || nodes_[*at].folder) return no_such(path);
  return nodes_[*at].bytes;
}

void simulated_disk::tear(node& file, draws& draw) {
  const std::size_t unsynced = file.bytes.size() - file.synced;
  const std::size_t length = file.synced + draw.below(unsynced + 1);
  if (draw.chance(.5)) {  // the length came to the disk before the bytes
    const std::size_t written = std::max(file.synced, (file.synced + draw.below(length - file.synced + 1)) / sector * sector);
    std::fill(file.bytes.begin() + static_cast<std::ptrdiff_t>(written), file.bytes.end(), std::byte{0});
  }
  file.bytes.resize(length);
  file.synced = length;
}

void simulated_disk::lose_power(draws& draw) {
  for (node& each : nodes_) {
    if (!each.folder) {
      tear(each, draw);
      continue;
    }
    const std::size_t stay = draw.below(each.since.size() + 1);
    for (std::size_t i = 0; i < stay; ++i) change_names(each.kept, each.since[i]);
    each.at = each.kept;
    each.since.clear();
  }
}

}  // namespace argosy
