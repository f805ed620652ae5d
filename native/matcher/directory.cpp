// Which samples the gallery holds: whose each is, and of what kind.
#include "matcher/directory.hpp"

#include <stdexcept>

namespace limen::matcher {

void Directory::put(std::uint64_t handle, std::int32_t slot, std::uint32_t kind, std::int32_t clear) {
  if (slot < 0) throw std::invalid_argument("A record's slot is 0 or more.");
  if (at_.find(handle) != store::Handles::kNone) throw std::invalid_argument("The sample is there already.");
  std::uint32_t at;
  if (free_.empty()) {
    at = static_cast<std::uint32_t>(samples_.size());
    samples_.emplace_back();
  } else {
    at = free_.back();
    free_.pop_back();
  }
  at_.put(handle, at);
  samples_[at] = {handle, slot, kind, clear, kNone};
  if (static_cast<std::size_t>(slot) >= slots_.size()) slots_.resize(static_cast<std::size_t>(slot) + 1);
  Ends& ends = slots_[slot];
  (ends.first == kNone ? ends.first : samples_[ends.last].next) = at;
  ends.last = at;
}

bool Directory::remove(std::uint64_t handle) {
  const std::uint32_t at = at_.find(handle);
  if (at == store::Handles::kNone) return false;
  Ends& ends = slots_[samples_[at].slot];
  std::uint32_t before = kNone;
  for (std::uint32_t k = ends.first; k != at; k = samples_[k].next) before = k;
  (before == kNone ? ends.first : samples_[before].next) = samples_[at].next;
  if (ends.last == at) ends.last = before;
  samples_[at] = {};
  free_.push_back(at);
  at_.erase(handle);
  return true;
}

const Sample* Directory::find(std::uint64_t handle) const {
  const std::uint32_t at = at_.find(handle);
  return at == store::Handles::kNone ? nullptr : &samples_[at];
}

std::size_t Directory::memory() const {
  return samples_.capacity() * sizeof(Sample) + free_.capacity() * sizeof(std::uint32_t) + at_.memory() +
         slots_.capacity() * sizeof(Ends);
}

}  // namespace limen::matcher
