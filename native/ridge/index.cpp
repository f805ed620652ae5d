// Many prints in memory, searched with the exact comparator.
#include "ridge/index.hpp"

#include <algorithm>
#include <mutex>

namespace limen::ridge {

void Index::put(std::uint64_t key, Minutiae&& print) {
  auto kept = std::make_unique<Minutiae>(std::move(print));
  const std::unique_lock lock(guard_);
  prints_.insert_or_assign(key, std::move(kept));
}

bool Index::remove(std::uint64_t key) {
  const std::unique_lock lock(guard_);
  return prints_.erase(key) > 0;
}

std::size_t Index::size() const {
  const std::shared_lock lock(guard_);
  return prints_.size();
}

std::size_t Index::memory() const {
  const std::shared_lock lock(guard_);
  std::size_t bytes = prints_.bucket_count() * sizeof(void*);
  for (const auto& [key, print] : prints_)
    bytes += sizeof(Minutiae) + 4 * sizeof(void*) + print->x.capacity() * (5 * 4 + 2 * 8);
  return bytes;
}

std::vector<Found> Index::search(const Minutiae& probe, std::size_t limit,
                                 const std::vector<std::uint64_t>* among) const {
  thread_local Scratch scratch;
  const CompareFunction compare = comparator(best_level());
  const View first = view(probe);
  std::vector<Found> found;
  auto weigh = [&](std::uint64_t key, const Minutiae& print) {
    Outcome outcome;
    compare(first, view(print), scratch.room(probe.padded, print.padded), outcome);
    found.push_back({key, outcome.score});
  };
  {
    const std::shared_lock lock(guard_);
    if (among == nullptr) {
      for (const auto& [key, print] : prints_) weigh(key, *print);
    } else {
      for (const std::uint64_t key : *among)
        if (const auto at = prints_.find(key); at != prints_.end()) weigh(key, *at->second);
    }
  }
  scratch.wipe();
  const auto better = [](const Found& a, const Found& b) { return a.score > b.score || (a.score == b.score && a.key < b.key); };
  const std::size_t kept = std::min(limit, found.size());
  std::partial_sort(found.begin(), found.begin() + kept, found.end(), better);
  found.resize(kept);
  return found;
}

}  // namespace limen::ridge
