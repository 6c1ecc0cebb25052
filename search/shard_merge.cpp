#include "search/shard_merge.hpp"

#include <algorithm>
#include <string>
#include <unordered_map>
#include <unordered_set>
#include <utility>

#include "index/fusion.hpp"
#include "index/ranked_key.hpp"
#include "search/product_search.hpp"

namespace argosy {
namespace {

using answers = std::span<const wire_answer>;  // of one shard

bool all_ok(answers of) {
  return std::all_of(of.begin(), of.end(), [](const wire_answer& one) { return one.code == wire_code::ok; });
}

const wire_answer& refusal_in(answers of) {
  return *std::find_if(of.begin(), of.end(), [](const wire_answer& one) { return one.code != wire_code::ok; });
}

// What is refused again if it is asked again tells most; then who is asked too much.
wire_answer worst(std::span<const answers> refused) {
  wire_answer told{.code = wire_code::unavailable, .error = "no shard answered in time"};
  const auto rank = [](wire_code code) {
    return code == wire_code::invalid ? 3 : code == wire_code::busy ? 2 : code == wire_code::failed ? 1 : 0;
  };
  for (const answers& of : refused) {
    const wire_answer& one = refusal_in(of);
    if (rank(one.code) > rank(told.code) || told.code == one.code) told = one;
  }
  return told;
}

std::vector<answers> of_most_models(const std::vector<answers>& usable) {
  std::unordered_map<std::uint64_t, std::size_t> count;
  for (const answers& of : usable) ++count[of.front().scored_by];
  const auto most = std::max_element(usable.begin(), usable.end(), [&](const answers& a, const answers& b) {
    return count[a.front().scored_by] < count[b.front().scored_by];
  });
  std::vector<answers> kept;
  for (const answers& of : usable) {
    if (of.front().scored_by == most->front().scored_by) kept.push_back(of);
  }
  return kept;
}

bool same_names(const std::vector<wire_restriction>& a, const std::vector<wire_restriction>& b) {
  return std::equal(a.begin(), a.end(), b.begin(), b.end(),
                    [](const wire_restriction& x, const wire_restriction& y) { return x.field == y.field && x.text == y.text; });
}

// Of the shard that kept most names, with the values that any shard of the same names knows.
std::vector<wire_restriction> names_of(const std::vector<answers>& kept) {
  const auto most = std::max_element(kept.begin(), kept.end(), [](const answers& a, const answers& b) {
    return a.front().restricted.size() < b.front().restricted.size();
  });
  std::vector<wire_restriction> names = most->front().restricted;
  for (const answers& of : kept) {
    const auto& more = of.front().restricted;
    if (!same_names(more, names)) continue;
    for (std::size_t i = 0; i < names.size(); ++i) {
      for (const std::string& value : more[i].values) {
        auto& values = names[i].values;
        if (std::find(values.begin(), values.end(), value) == values.end()) values.push_back(value);
      }
    }
  }
  return names;
}

// The best of one list of all shards.
std::vector<wire_result> best_of(const std::vector<answers>& kept, std::size_t list, const std::vector<wire_restriction>& names,
                                 std::size_t k) {
  std::vector<wire_result> all;
  for (const answers& of : kept) {
    const bool has_names = same_names(of[list].restricted, names);
    for (wire_result one : of[list].results) {
      one.within = one.within && has_names;
      all.push_back(std::move(one));
    }
  }
  std::sort(all.begin(), all.end(), [](const wire_result& a, const wire_result& b) {
    const auto key = [](const wire_result& one) { return std::pair(one.within, key_of(hit{0, one.score})); };
    return key(a) != key(b) ? key(a) > key(b) : a.id < b.id;
  });
  std::vector<wire_result> best;
  std::unordered_set<std::string> there;
  for (wire_result& one : all) {
    if (best.size() == k) break;
    if (there.insert(one.id).second) best.push_back(std::move(one));
  }
  return best;
}

// Two lists as one; its rows are places in `products`.
class two_lists {
public:
  two_lists(const std::vector<wire_result>& semantic, const std::vector<wire_result>& lexical)
      : lists_{rows_of(semantic), rows_of(lexical)} {}

  // What has all names first, then what else the lists have.
  std::vector<wire_result> fused(const wire_query& asked) {
    std::vector<wire_result> all;
    append(all, asked, true);
    if (all.size() < asked.k) append(all, asked, false);
    return all;
  }

private:
  std::vector<hit> rows_of(const std::vector<wire_result>& list) {
    std::vector<hit> hits;
    for (const wire_result& one : list) {
      const auto [at, is_new] = row_of_.emplace(one.id, static_cast<std::uint32_t>(products_.size()));
      if (is_new) products_.push_back(one);
      hits.push_back({at->second, one.score});
    }
    return hits;
  }
  void append(std::vector<wire_result>& to, const wire_query& asked, bool within) {
    std::vector<hit> chosen[2];
    for (std::size_t list = 0; list < 2; ++list)
      std::copy_if(lists_[list].begin(), lists_[list].end(), std::back_inserter(chosen[list]),
                   [&](const hit& one) { return !within || products_[one.row].within; });
    if (!within)  // all by score, as a store fuses what it has without names
      for (auto& list : chosen) std::sort(list.begin(), list.end(), better);
    const channel_list channels[] = {{chosen[0], asked.semantic_weight}, {chosen[1], asked.lexical_weight}};
    for (const fused_hit& one : fuse(channels, products_.size())) {
      if (to.size() == asked.k) return;
      wire_result& product = products_[one.row];
      if (product.within != within) continue;
      to.push_back(product);
      to.back().score = static_cast<float>(one.score);
      to.back().channels = static_cast<std::uint8_t>(one.channels);
    }
  }
  std::unordered_map<std::string, std::uint32_t> row_of_;
  std::vector<wire_result> products_;
  std::vector<hit> lists_[2];
};

}  // namespace

std::vector<wire_query> asked_of_shards(const wire_query& asked) {
  if (asked.channel != wire_channel::hybrid) return {asked};
  std::vector<wire_query> both(2, asked);
  both[0].channel = wire_channel::semantic;
  both[1].channel = wire_channel::lexical;
  for (wire_query& one : both) one.k = asked.k == 0 ? 0 : std::max(asked.k, static_cast<std::uint32_t>(least_depth));
  return both;
}

wire_answer merge_shards(const wire_query& asked, std::span<const std::span<const wire_answer>> of_shards, std::size_t shards) {
  std::vector<answers> usable, refused;
  for (const answers& of : of_shards) (all_ok(of) ? usable : refused).push_back(of);
  if (usable.empty()) return worst(refused);
  const std::vector<answers> kept = of_most_models(usable);

  wire_answer merged;
  merged.scored_by = kept.front().front().scored_by;
  merged.restricted = names_of(kept);
  if (asked.channel == wire_channel::hybrid) {
    const std::size_t depth = asked_of_shards(asked).front().k;
    merged.results = two_lists(best_of(kept, 0, merged.restricted, depth), best_of(kept, 1, merged.restricted, depth)).fused(asked);
  } else {
    merged.results = best_of(kept, 0, merged.restricted, asked.k);
  }
  merged.from_pairs = std::all_of(kept.begin(), kept.end(), [](const answers& of) { return of.front().from_pairs; });
  const auto invalid =
      std::count_if(refused.begin(), refused.end(), [](const answers& of) { return refusal_in(of).code == wire_code::invalid; });
  merged.shards = static_cast<std::uint32_t>(shards);
  merged.shards_answered = static_cast<std::uint32_t>(kept.size() + static_cast<std::size_t>(invalid));
  return merged;
}

}  // namespace argosy
