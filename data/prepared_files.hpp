// The files of a prepared folder and their sections, for those who write and read them. n products, q queries, i images.
//   vocab.txt   one piece a line
//   products    patch_offset u64 (n + 1), in images: a product has none or one
//               patch u8 (i, 16, patch width) without, or with a backbone feature u16, IEEE half precision (i, 16, features) and
//               feature_key u64 (i, 2), low and high of the XXH3-128 of the patches
//               id, title, image u8, end to end | id_offset, title_offset, image_offset u64 (n + 1), in bytes
//               token i32 | token_offset u64 (n + 1)
//   queries     token i32 | token_offset u64 (q + 1) | known u32, products, rising within a query | known_offset u64 (q + 1)
//   pairs       query u32, product u32 (pairs)
//   facts       number u64 (10), in the order of `facts` below | segmenter u8, what split the words | backbone u8, its name
//   fields      name, text u8, end to end | name_offset u64 (fields + 1), text_offset u64 (values + 1), in bytes
//               number u8 (fields), 1: all values are numbers | field u32 (values), of each value
//               value u32, values of the products | value_offset u64 (n + 1)
//   refused.tsv file, line, reason, detail of all that was refused
#pragma once

#include <array>
#include <cstdint>
#include <string_view>

#include "schema/container.hpp"

namespace argosy::prepared {

inline constexpr std::string_view folder_kind = "prepared";
inline constexpr std::uint32_t folder_version = 1;
inline constexpr std::string_view vocabulary_file = "vocab.txt", products_file = "products", queries_file = "queries", pairs_file = "pairs",
                                  facts_file = "facts", fields_file = "fields", refused_file = "refused.tsv";
inline constexpr file_kind products_kind{"products", 2}, queries_kind{"queries", 1}, pairs_kind{"pairs", 1}, facts_kind{"facts", 2},
    fields_kind{"fields", 1};

inline constexpr int longest_side = 4096, longest_sequence = 4096, most_features = 65536;
inline constexpr std::uint64_t most_items = 0xFFFFFFFEu;  // products, queries: their numbers are u32

struct facts {
  std::uint64_t products = 0, queries = 0, pairs = 0;
  std::uint64_t query_length = 0, title_length = 0, image_width = 0, image_height = 0;
  std::uint64_t features = 0, patch_side = 0, backbone_checksum = 0;  // 0 without a backbone
};
using fact_numbers = std::array<std::uint64_t, 10>;

constexpr fact_numbers numbers_of(const facts& of) noexcept {
  return {of.products,    of.queries,      of.pairs,    of.query_length, of.title_length,
          of.image_width, of.image_height, of.features, of.patch_side,   of.backbone_checksum};
}
constexpr facts facts_of(const fact_numbers& n) noexcept { return {n[0], n[1], n[2], n[3], n[4], n[5], n[6], n[7], n[8], n[9]}; }

}  // namespace argosy::prepared
