// Many prints in memory, searched with the exact comparator.
#pragma once

#include <cstdint>
#include <memory>
#include <shared_mutex>
#include <unordered_map>
#include <vector>

#include "ridge/comparator.hpp"

namespace limen::ridge {

struct Found {
  std::uint64_t key;
  float score;
};

// Thread-safe. Changes take effect for the next search; a running search sees the gallery as it was or as it is.
class Index {
 public:
  void put(std::uint64_t key, Minutiae&& print);
  bool remove(std::uint64_t key);
  std::size_t size() const;
  std::size_t memory() const;
  // The `limit` highest scores, highest first; ties by key. `among`: only these keys (unknown ones are skipped).
  std::vector<Found> search(const Minutiae& probe, std::size_t limit, const std::vector<std::uint64_t>* among) const;

 private:
  mutable std::shared_mutex guard_;
  std::unordered_map<std::uint64_t, std::unique_ptr<Minutiae>> prints_;
};

}  // namespace limen::ridge
