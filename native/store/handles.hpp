// From numbers of 64 bits to places in an array: a table in one piece of memory, where each number is met within a line or
// two of the processor's cache.
#pragma once

#include <bit>
#include <cstddef>
#include <cstdint>
#include <utility>

#include "store/regions.hpp"

namespace limen::store {

// Open addressing with linear probing, at most three quarters full; what follows a number that goes moves up to its place,
// so there are no marks of what was. Not thread-safe.
class Handles {
 public:
  static constexpr std::uint32_t kNone = ~0u;

  std::size_t size() const { return count_; }
  std::size_t memory() const { return table_.size(); }

  // Where a number is; kNone if it is not there.
  std::uint32_t find(std::uint64_t key) const {
    if (slots_ == 0) return kNone;
    for (std::size_t at = home(key);; at = (at + 1) & (slots_ - 1)) {
      const Entry entry = entries()[at];
      if (entry.value() == kNone || entry.key() == key) return entry.value();
    }
  }

  // A number that is not there; its place, not kNone.
  void put(std::uint64_t key, std::uint32_t value) {
    if (4 * (count_ + 1) > 3 * slots_) grow();
    set(key, value);
    ++count_;
  }

  // Whether it was there.
  bool erase(std::uint64_t key) {
    if (slots_ == 0) return false;
    const std::size_t mask = slots_ - 1;
    std::size_t hole = home(key);
    for (;; hole = (hole + 1) & mask) {
      if (entries()[hole].value() == kNone) return false;
      if (entries()[hole].key() == key) break;
    }
    for (std::size_t at = (hole + 1) & mask; entries()[at].value() != kNone; at = (at + 1) & mask)
      if (((at - home(entries()[at].key())) & mask) >= ((at - hole) & mask)) entries()[hole] = entries()[at], hole = at;
    entries()[hole] = Entry();
    --count_;
    return true;
  }

  // Brings the place of a number nearer to the processor, for whoever will ask for it soon.
  void expect(std::uint64_t key) const {
    if (slots_ != 0) __builtin_prefetch(entries() + home(key));
  }

 private:
  // Twelve bytes; a place is kept as its complement, so that the system's zeros are a free entry.
  struct Entry {
    std::uint32_t low = 0, high = 0, place = 0;
    std::uint64_t key() const { return low | std::uint64_t{high} << 32; }
    std::uint32_t value() const { return ~place; }
  };
  static constexpr std::size_t kFirst = 64;  // slots

  Entry* entries() const { return reinterpret_cast<Entry*>(table_.data()); }
  std::size_t home(std::uint64_t key) const {  // Fibonacci hashing: the highest bits of a product
    return static_cast<std::size_t>((key * 0x9E3779B97F4A7C15u) >> (64 - std::countr_zero(slots_)));
  }

  void set(std::uint64_t key, std::uint32_t value) {
    std::size_t at = home(key);
    while (entries()[at].value() != kNone) at = (at + 1) & (slots_ - 1);
    entries()[at] = {static_cast<std::uint32_t>(key), static_cast<std::uint32_t>(key >> 32), ~value};
  }

  void grow() {
    const Region old = std::exchange(table_, Region(sizeof(Entry) * (slots_ == 0 ? kFirst : 2 * slots_)));
    const auto* const before = reinterpret_cast<const Entry*>(old.data());
    const std::size_t many = std::exchange(slots_, slots_ == 0 ? kFirst : 2 * slots_);
    for (std::size_t at = 0; at < many; ++at)
      if (before[at].value() != kNone) set(before[at].key(), before[at].value());
  }

  Region table_;
  std::size_t slots_ = 0, count_ = 0;
};

}  // namespace limen::store
