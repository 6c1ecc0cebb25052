#include "actors/bank_bytes.hpp"

#include <cstring>
#include <limits>

namespace argosy {
namespace {

template <class T>
void add(std::vector<std::byte>& to, std::span<const T> numbers) {
  const auto bytes = std::as_bytes(numbers);
  to.insert(to.end(), bytes.begin(), bytes.end());
}

template <class T>
void add_one(std::vector<std::byte>& to, T number) {
  add(to, std::span<const T>(&number, 1));
}

class reader {
public:
  explicit reader(std::span<const std::byte> bytes) : left_(bytes) {}
  bool at_end() const noexcept { return left_.empty(); }

  template <class T>
  status take(T& number) {
    return take(std::span<T>(&number, 1));
  }
  template <class T>
  status take(std::uint64_t count, std::vector<T>& numbers) {
    if (count > left_.size() / sizeof(T)) return cut_off(count * sizeof(T));
    numbers.resize(count);
    return take(std::span<T>(numbers));
  }

private:
  template <class T>
  status take(std::span<T> numbers) {
    if (numbers.size_bytes() > left_.size()) return cut_off(numbers.size_bytes());
    if (!numbers.empty()) std::memcpy(numbers.data(), left_.data(), numbers.size_bytes());
    left_ = left_.subspan(numbers.size_bytes());
    return {};
  }
  status cut_off(std::uint64_t wanted) const {
    return {errc::corrupt,
            "a memory bank of another rank: want " + std::to_string(wanted) + " more bytes, got " + std::to_string(left_.size())};
  }
  std::span<const std::byte> left_;
};

status take_one(reader& from, memory_bank::snapshot& bank) {
  std::uint64_t entries = 0;
  ARGOSY_TRY(from.take(entries));
  ARGOSY_TRY(from.take(bank.columns));
  ARGOSY_TRY(from.take(bank.place));
  constexpr std::int64_t most_columns = 1 << 20;
  if (bank.columns < 0 || bank.columns > most_columns || entries > std::numeric_limits<std::uint32_t>::max())
    return {errc::corrupt, "a memory bank of another rank: " + std::to_string(entries) + " entries of " + std::to_string(bank.columns) +
                               " columns cannot be"};
  ARGOSY_TRY(from.take(entries * static_cast<std::uint64_t>(bank.columns), bank.embedding));
  ARGOSY_TRY(from.take(entries, bank.log_p));
  ARGOSY_TRY(from.take(entries, bank.product));
  return from.take(entries, bank.step);
}

}  // namespace

std::vector<std::byte> bytes_of(std::span<const memory_bank::snapshot> banks) {
  std::vector<std::byte> bytes;
  for (const memory_bank::snapshot& bank : banks) {
    add_one(bytes, static_cast<std::uint64_t>(bank.product.size()));
    add_one(bytes, bank.columns);
    add_one(bytes, bank.place);
    add(bytes, std::span<const double>(bank.embedding));
    add(bytes, std::span<const double>(bank.log_p));
    add(bytes, std::span<const std::int64_t>(bank.product));
    add(bytes, std::span<const std::uint64_t>(bank.step));
  }
  return bytes;
}

result<std::vector<memory_bank::snapshot>> snapshots_of(std::span<const std::byte> bytes) {
  std::vector<memory_bank::snapshot> banks;
  for (reader from(bytes); !from.at_end();) ARGOSY_TRY(take_one(from, banks.emplace_back()));
  return banks;
}

}  // namespace argosy
