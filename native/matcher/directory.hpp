// Which samples the gallery holds: whose each is, and of what kind. Millions of them, so no Python objects.
#pragma once

#include <cstddef>
#include <cstdint>
#include <vector>

#include "store/handles.hpp"

namespace limen::matcher {

struct Sample {
  std::uint64_t handle;
  std::int32_t slot;    // of its record
  std::uint32_t kind;   // whatever the gallery tells kinds of samples by
  std::int32_t clear;   // class of clear minutiae, -1 for none
  std::uint32_t next;   // of the same record, in the order in which they came
};

// Not thread-safe: the gallery's lock is held by whoever comes here.
class Directory {
 public:
  static constexpr std::uint32_t kNone = ~0u;

  void put(std::uint64_t handle, std::int32_t slot, std::uint32_t kind, std::int32_t clear);  // must not be there
  bool remove(std::uint64_t handle);
  const Sample* find(std::uint64_t handle) const;
  void expect(std::uint64_t handle) const { at_.expect(handle); }  // it will be asked for soon
  // Visits a slot's samples in the order in which they came.
  template <class Visit>
  void each(std::int32_t slot, Visit visit) const {
    if (slot < 0 || static_cast<std::size_t>(slot) >= slots_.size()) return;
    for (std::uint32_t at = slots_[slot].first; at != kNone; at = samples_[at].next) visit(samples_[at]);
  }
  std::size_t size() const { return at_.size(); }
  std::size_t memory() const;

 private:
  struct Ends {
    std::uint32_t first = kNone, last = kNone;
  };
  std::vector<Sample> samples_;
  std::vector<std::uint32_t> free_;
  store::Handles at_;
  std::vector<Ends> slots_;
};

}  // namespace limen::matcher
