// Why records are refused: the few fixed words that reports count by.
#pragma once

#include <string_view>

namespace argosy::reason {

inline constexpr std::string_view line_too_long = "line too long";
inline constexpr std::string_view invalid_utf8 = "invalid UTF-8";
inline constexpr std::string_view invalid_json = "invalid JSON";
inline constexpr std::string_view wrong_columns = "wrong number of columns";
inline constexpr std::string_view wrong_type = "field of a wrong type";
inline constexpr std::string_view no_id = "id missing";
inline constexpr std::string_view nothing_to_match = "title and image missing";
inline constexpr std::string_view no_product_id = "product_id missing";
inline constexpr std::string_view no_query_id = "query_id missing";
inline constexpr std::string_view no_query = "empty query";
inline constexpr std::string_view wrong_number = "not a number";
// Of `prepare`:
inline constexpr std::string_view repeated_id = "repeated product id";
inline constexpr std::string_view unknown_product = "unknown product";
inline constexpr std::string_view image_missing = "image missing";
inline constexpr std::string_view image_unreadable = "image unreadable";

}  // namespace argosy::reason
