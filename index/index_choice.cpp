#include "index/index_choice.hpp"

#include <limits>

#include "schema/container.hpp"

namespace argosy {
namespace {

constexpr file_kind effort_kind = {"search-effort", 1};

}  // namespace

status write_index(const std::filesystem::path& path, const_view vectors, const index_choice& choice) {
  const bool few = static_cast<std::size_t>(vectors.rows) < exact_below;
  const bool flat = choice.kind == index_kind::flat || (choice.kind == index_kind::automatic && few);
  return flat ? write_flat_index(path, vectors) : write_hc_index(path, vectors, choice.hc, choice.show, choice.stop);
}

status write_effort(const std::filesystem::path& folder, const tuned_effort& tuned) {
  ARGOSY_ASSIGN(auto file, container_writer::create(folder / effort_name, effort_kind));
  const std::uint64_t effort[] = {tuned.effort.leaves, tuned.effort.rerank, tuned.k, tuned.queries};
  const double recall[] = {tuned.wanted, tuned.recall};
  ARGOSY_TRY(file.add("effort", std::span<const std::uint64_t>(effort)));
  ARGOSY_TRY(file.add("recall", std::span<const double>(recall)));
  return file.finish();
}

result<tuned_effort> read_effort(const std::filesystem::path& folder) {
  ARGOSY_ASSIGN(const auto file, container_reader::open(folder / effort_name, effort_kind));
  ARGOSY_ASSIGN(const auto effort, file.section<std::uint64_t>("effort"));
  ARGOSY_ASSIGN(const auto recall, file.section<double>("recall"));
  constexpr std::uint64_t most = std::numeric_limits<std::uint32_t>::max();
  if (effort.size() != 4 || recall.size() != 2 || effort[0] == 0 || effort[0] > most || effort[1] == 0 || effort[1] > most)
    return status(errc::corrupt,
                  file.path().string() + ": want leaves and candidates from 1 to 2^32 - 1, k, queries and two recalls, found others");
  return tuned_effort{
      {static_cast<std::uint32_t>(effort[0]), static_cast<std::uint32_t>(effort[1])}, effort[2], effort[3], recall[0], recall[1]};
}

}  // namespace argosy
