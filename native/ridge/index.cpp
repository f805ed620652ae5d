// Many prints in memory: a first stage over all of them, the exact comparator on what is left.
#include "ridge/index.hpp"

#include <sys/mman.h>

#include <algorithm>
#include <array>
#include <atomic>
#include <cmath>
#include <cstddef>
#include <cstring>
#include <iterator>
#include <new>
#include <numeric>
#include <stdexcept>
#include <thread>
#include <utility>

namespace limen::ridge {

namespace {

constexpr std::size_t kSurvivors = 500;       // fewer prints than this are all compared
constexpr std::size_t kSurvivorsShare = 200;  // of larger galleries one in two hundred is, within these bounds
constexpr std::size_t kSurvivorsMost = 3000;
constexpr int kScreenShare = 16;              // one block in sixteen of each chunk passes the screen,
constexpr int kScreenLeast = 32;              // at least as many,
constexpr std::size_t kScreenFrom = 32;       // in galleries with so many times more prints than survivors

#pragma pack(push, 1)
struct Row {  // one minutia, exactly as the template has it, and half of its code
  std::uint64_t high;
  std::uint16_t x, y, angle;
  std::uint8_t kind, quality;
};
#pragma pack(pop)
static_assert(sizeof(Row) == 16);

// Of survivors, those without a pair of minutiae that others support this much are not weighed further: four in five
// strangers, one in a thousand mates (docs/performance.md).
constexpr float kLeastAgreement = 0.4f;
constexpr float kSubpixel = 4.0f;             // limen.ridge.template.SUBPIXEL

std::size_t size_of(int n, int blocks) {
  return sizeof(Row) * n + sizeof(std::uint64_t) * std::max(0, n - blocks * kBlock);
}

// Runs `work(thread)` on that many threads, this one among them.
template <class Work>
void in_parallel(int threads, Work work) {
  std::vector<std::thread> others;
  for (int t = 1; t < threads; ++t) others.emplace_back(work, t);
  work(0);
  for (std::thread& other : others) other.join();
}

// Which of the scores are among the highest, one in kScreenShare; those at the limit all are. Returns how many.
int keep_most(const std::uint16_t* scores, int count, std::uint16_t* which) {
  constexpr int kStep = 32, kSteps = kScreenMost / kStep + 1;
  const int wanted = std::max(count / kScreenShare, kScreenLeast);
  std::array<std::uint16_t, kSteps> histogram{};
  for (int b = 0; b < count; ++b) ++histogram[scores[b] / kStep];
  int limit = kSteps, kept = 0;
  while (limit > 0 && kept < wanted) kept += histogram[--limit];
  kept = 0;
  for (int b = 0; b < count; ++b) {
    which[kept] = static_cast<std::uint16_t>(b);
    kept += scores[b] >= limit * kStep;
  }
  return kept;
}

bool better(const Found& a, const Found& b) { return a.score > b.score || (a.score == b.score && a.key < b.key); }

void keep_best(std::vector<Found>& found, std::size_t limit) {
  const std::size_t kept = std::min(limit, found.size());
  std::partial_sort(found.begin(), found.begin() + static_cast<std::ptrdiff_t>(kept), found.end(), better);
  found.resize(kept);
}

}  // namespace

void Index::unpack(const Kept& kept, Minutiae& print) const {
  print.resize(kept.n);
  const std::uint8_t* rest = kept.bytes.get() + sizeof(Row) * kept.n;
  for (int i = 0; i < kept.n; ++i) {
    Row row;
    std::memcpy(&row, kept.bytes.get() + sizeof(Row) * i, sizeof(Row));
    print.high[i] = row.high;
    print.set(i, row.x / kSubpixel, row.y / kSubpixel, row.angle, row.kind, row.quality);
    if (i < kept.blocks * kBlock) {
      const std::uint32_t slot = kept.slots[i / kBlock];
      print.low[i] = chunks_[slot / kChunk]->blocks[slot % kChunk].low[i % kBlock];
    } else {
      std::memcpy(&print.low[i], rest + sizeof(std::uint64_t) * (i - kept.blocks * kBlock), sizeof(std::uint64_t));
    }
  }
  print.outline();
}

std::uint32_t Index::take_slot() {
  if (!free_.empty()) {
    const std::uint32_t slot = free_.back();
    free_.pop_back();
    return slot;
  }
  if (used_ == chunks_.size() * kChunk) add_chunks();
  return used_++;
}

// One chunk, or in a large index a region of them.
void Index::add_chunks() {
  const bool large = chunks_.size() >= kRegionChunks;
  const std::size_t size = large ? kRegion : sizeof(Chunk);
  std::unique_ptr<void, Free> region(std::aligned_alloc(large ? kHugePage : alignof(std::max_align_t), size));
  if (!region) throw std::bad_alloc();
  if (large) madvise(region.get(), size, MADV_HUGEPAGE);  // a hint; nothing depends on it
  regions_.push_back(std::move(region));
  auto* const first = static_cast<Chunk*>(regions_.back().get());
  for (int k = 0; k < (large ? kRegionChunks : 1); ++k) chunks_.push_back(new (first + k) Chunk());
}

void Index::forget(const Print& print) {
  auto drop = [&](std::uint32_t slot) {
    Chunk& chunk = *chunks_[slot / kChunk];
    chunk.blocks[slot % kChunk] = Block{};
    chunk.keys[slot % kChunk] = 0;
    free_.push_back(slot);
  };
  each(print, [&](const Kept& kept) {
    for (int b = 0; b < kept.blocks; ++b) drop(kept.slots[b]);
    bytes_ -= size_of(kept.n, kept.blocks);
    explicit_bzero(kept.bytes.get(), size_of(kept.n, kept.blocks));
  });
}

template <class Visit>
void Index::each(const Print& print, Visit visit) {
  visit(print.first);
  if (print.more)
    for (const Kept& kept : *print.more) visit(kept);
}

void Index::make(const Minutiae& print, Made& made) {
  const std::vector<int> order = block_order(print);
  Kept& kept = made.kept;
  kept.n = static_cast<std::uint16_t>(print.n);
  kept.blocks = static_cast<std::uint16_t>(scan_blocks(print, order, made.blocks.data()));
  kept.bytes = std::make_unique_for_overwrite<std::uint8_t[]>(size_of(kept.n, kept.blocks));
  std::uint8_t* rest = kept.bytes.get() + sizeof(Row) * kept.n;
  for (int k = 0; k < print.n; ++k) {
    const int i = order[k];
    const Row row{print.high[i],
                  static_cast<std::uint16_t>(std::lrint(print.x[i] * kSubpixel)),
                  static_cast<std::uint16_t>(std::lrint(-print.y[i] * kSubpixel)),
                  static_cast<std::uint16_t>(print.angle[i]),
                  static_cast<std::uint8_t>(print.kind[i]),
                  static_cast<std::uint8_t>(std::lrint(print.weight[i] * 100))};
    std::memcpy(kept.bytes.get() + sizeof(Row) * k, &row, sizeof(Row));
    if (const int beyond = k - kept.blocks * kBlock; beyond >= 0)
      std::memcpy(rest + sizeof(std::uint64_t) * beyond, &print.low[i], sizeof(std::uint64_t));
  }
}

void Index::put_in(std::uint64_t key, Made* views, std::size_t count) {
  if (const auto old = prints_.find(key); old != prints_.end()) {
    forget(old->second);
    prints_.erase(old);
  }
  Print print;
  for (std::size_t v = 0; v < count; ++v) {
    Kept& kept = views[v].kept;
    for (int b = 0; b < kept.blocks; ++b) {
      const std::uint32_t slot = kept.slots[b] = take_slot();
      Chunk& chunk = *chunks_[slot / kChunk];
      chunk.blocks[slot % kChunk] = views[v].blocks[b];
      chunk.keys[slot % kChunk] = key;
    }
    bytes_ += size_of(kept.n, kept.blocks);
    if (v == 0) {
      print.first = std::move(kept);
      continue;
    }
    if (!print.more) print.more = std::make_unique<std::vector<Kept>>();
    print.more->push_back(std::move(kept));
  }
  prints_.emplace(key, std::move(print));
}

void Index::put(std::uint64_t key, const std::vector<Minutiae>& views) {
  std::vector<Made> made(views.size());  // all that takes time is done before the lock
  for (std::size_t v = 0; v < views.size(); ++v) make(views[v], made[v]);
  const std::lock_guard gate(gate_);
  const std::unique_lock lock(guard_);
  put_in(key, made.data(), made.size());
}

std::vector<std::int32_t> Index::put_many(const std::vector<std::uint64_t>& keys, const std::vector<Stored>& prints,
                                          const WholeRule& rule, int threads) {
  constexpr std::size_t kStep = 32;  // prints put in under one lock: 10 microseconds
  std::vector<std::int32_t> clear(prints.size(), kNoPrint);
  std::atomic<std::size_t> at{0};
  in_parallel(std::clamp(threads, 1, 64), [&](int) {
    std::vector<Minutiae> views;
    std::vector<Made> made;                                        // views of the prints that are ready
    std::vector<std::pair<std::uint64_t, std::size_t>> ready;  // a print's key, and how many views it has
    for (std::size_t first = at.fetch_add(kStep); first < prints.size(); first = at.fetch_add(kStep)) {
      ready.clear();
      std::size_t used = 0;
      for (std::size_t k = first; k < std::min(first + kStep, prints.size()); ++k) {
        const auto [data, size] = prints[k];
        try {
          const std::size_t count = read_stored(data, size, rule, views);
          clear[k] = count ? count_clear(data, size, rule.clear) : kInViews;
          if (made.size() < used + count) made.resize(used + count);
          for (std::size_t v = 0; v < count; ++v) make(views[v], made[used++]);
          if (count) ready.emplace_back(keys[k], count);
        } catch (const std::invalid_argument&) {  // kNoPrint
        }
      }
      const std::lock_guard gate(gate_);
      const std::unique_lock lock(guard_);
      Made* next = made.data();
      for (const auto& [key, count] : ready) put_in(key, next, count), next += count;
    }
  });
  return clear;
}

bool Index::remove(std::uint64_t key) {
  const std::lock_guard gate(gate_);
  const std::unique_lock lock(guard_);
  const auto at = prints_.find(key);
  if (at == prints_.end()) return false;
  forget(at->second);
  prints_.erase(at);
  return true;
}

std::size_t Index::remove_many(const std::uint64_t* keys, std::size_t count) {
  constexpr std::size_t kStep = 32;  // prints taken out under one lock
  std::size_t gone = 0;
  for (std::size_t first = 0; first < count; first += kStep) {
    const std::lock_guard gate(gate_);
    const std::unique_lock lock(guard_);
    for (std::size_t k = first; k < std::min(first + kStep, count); ++k)
      if (const auto at = prints_.find(keys[k]); at != prints_.end()) {
        forget(at->second);
        prints_.erase(at);
        ++gone;
      }
  }
  return gone;
}

std::size_t Index::size() const {
  const std::shared_lock lock(guard_);
  return prints_.size();
}

std::size_t Index::memory() const {
  constexpr std::size_t kNode = sizeof(Print) + 4 * sizeof(void*);  // a hash node, its key and its allocation
  const std::shared_lock lock(guard_);
  const std::size_t alone = std::min<std::size_t>(chunks_.size(), kRegionChunks);
  return alone * sizeof(Chunk) + (regions_.size() - alone) * kRegion + bytes_ + prints_.size() * (kNode + 2 * sizeof(void*)) +
         prints_.bucket_count() * sizeof(void*) + free_.capacity() * sizeof(std::uint32_t);
}

float Index::exact(const Probe& probe, const Print& print, float least_agreement, Minutiae& reference,
                   Scratch& scratch) const {
  static const CompareFunction compare = comparator(best_level());
  float best = -1e30f;
  each(print, [&](const Kept& kept) {
    unpack(kept, reference);
    for (const Minutiae* view_of_probe : probe.views) {
      Outcome outcome;
      outcome.least_agreement = least_agreement;
      compare(view(*view_of_probe), view(reference), scratch.room(view_of_probe->padded, reference.padded), outcome);
      best = std::max(best, outcome.score);
    }
  });
  return best;
}

std::vector<std::vector<Found>> Index::search(const std::vector<Probe>& probes, std::size_t limit,
                                              std::size_t survivors, int threads) const {
  struct Likely {
    std::uint16_t score;
    std::uint64_t key;
  };
  threads = std::clamp(threads, 1, 64);
  std::size_t chunks, size;
  {
    const std::lock_guard gate(gate_);
    const std::shared_lock lock(guard_);
    chunks = (used_ + kChunk - 1) / kChunk, size = prints_.size();
  }
  if (survivors == 0) survivors = std::clamp(size / kSurvivorsShare, kSurvivors, kSurvivorsMost);
  const bool everything = survivors >= size, screened = size >= kScreenFrom * survivors;
  survivors = std::min(survivors, size + kChunk);  // prints may be put meanwhile

  // First stage: every block's likeness to every view of every probe, chunk by chunk.
  const ScreenFunction screen = screener(best_level());
  const ScanFunction scan = scanner(best_level());
  std::vector<std::vector<ScanProbe>> ready(probes.size());
  for (std::size_t p = 0; p < probes.size(); ++p)
    for (const Minutiae* one : probes[p].views) ready[p].push_back(scan_probe(*one));
  std::vector<std::vector<std::vector<Likely>>> likely(threads, std::vector<std::vector<Likely>>(probes.size()));
  std::atomic<std::size_t> next{0};
  in_parallel(threads, [&](int thread) {
    std::vector<std::uint16_t> scores(kChunk), most(kChunk), which(kChunk), least(probes.size(), 1);
    for (std::size_t c = next++; c < chunks; c = next++) {
      { const std::lock_guard gate(gate_); }
      const std::shared_lock lock(guard_);
      const Chunk& chunk = *chunks_[c];
      const int count = static_cast<int>(std::min<std::size_t>(kChunk, used_ - c * kChunk));
      for (std::size_t p = 0; p < probes.size(); ++p) {
        std::fill(most.begin(), most.end(), 0);
        for (const ScanProbe& one : ready[p]) {
          if (everything) break;
          int left = count;
          std::iota(which.begin(), which.begin() + count, std::uint16_t{0});
          if (screened) {
            screen(one, chunk.blocks, count, scores.data());
            left = keep_most(scores.data(), count, which.data());
          }
          scan(one, chunk.blocks, which.data(), left, scores.data());
          for (int k = 0; k < left; ++k) most[which[k]] = std::max(most[which[k]], scores[k]);
        }
        auto& mine = likely[thread][p];
        for (int b = 0; b < count; ++b)
          if (chunk.blocks[b].count > 0 && (everything || most[b] >= least[p])) mine.push_back({most[b], chunk.keys[b]});
        if (everything || mine.size() < 8 * survivors) continue;
        // Keep what can still survive: each of at most kMaxBlocks of a print may stand in the list.
        const auto last = mine.begin() + static_cast<std::ptrdiff_t>(kMaxBlocks * survivors);
        std::nth_element(mine.begin(), last, mine.end(), [](const Likely& x, const Likely& y) { return x.score > y.score; });
        least[p] = last->score;
        mine.erase(last, mine.end());
      }
    }
  });

  // Second stage: the exact comparator on what is left.
  std::vector<std::vector<std::uint64_t>> left(probes.size());
  for (std::size_t p = 0; p < probes.size(); ++p) {
    std::vector<Likely> all;
    for (const auto& mine : likely) all.insert(all.end(), mine[p].begin(), mine[p].end());
    std::sort(all.begin(), all.end(), [](const Likely& a, const Likely& b) {
      return a.key < b.key || (a.key == b.key && a.score > b.score);
    });
    all.erase(std::unique(all.begin(), all.end(), [](const Likely& a, const Likely& b) { return a.key == b.key; }), all.end());
    if (!everything && all.size() > survivors) {
      std::nth_element(all.begin(), all.begin() + static_cast<std::ptrdiff_t>(survivors), all.end(),
                       [](const Likely& a, const Likely& b) { return a.score > b.score || (a.score == b.score && a.key < b.key); });
      all.resize(survivors);
    }
    for (const Likely& one : all) left[p].push_back(one.key);
  }
  std::vector<std::vector<Found>> found(probes.size());
  for (std::size_t p = 0; p < probes.size(); ++p) {
    std::vector<std::vector<Found>> parts(threads);
    std::atomic<std::size_t> at{0};
    in_parallel(threads, [&](int thread) {
      constexpr std::size_t kStep = 64;  // prints under one lock: about a millisecond
      Minutiae reference;
      Scratch scratch;
      for (std::size_t first = at.fetch_add(kStep); first < left[p].size(); first = at.fetch_add(kStep)) {
        { const std::lock_guard gate(gate_); }
        const std::shared_lock lock(guard_);
        for (std::size_t k = first; k < std::min(first + kStep, left[p].size()); ++k)
          if (const auto print = prints_.find(left[p][k]); print != prints_.end())
            parts[thread].push_back({left[p][k], exact(probes[p], print->second, everything ? 0 : kLeastAgreement, reference, scratch)});
      }
      scratch.wipe();
    });
    for (const auto& part : parts) found[p].insert(found[p].end(), part.begin(), part.end());
    keep_best(found[p], limit);
    for (ScanProbe& one : ready[p]) explicit_bzero(&one, sizeof one);
  }
  return found;
}

std::vector<Found> Index::search_among(const Probe& probe, std::size_t limit,
                                       const std::vector<std::uint64_t>& keys) const {
  constexpr std::size_t kStep = 64;
  std::vector<Found> found;
  Minutiae reference;
  Scratch scratch;
  for (std::size_t first = 0; first < keys.size(); first += kStep) {
    { const std::lock_guard gate(gate_); }
    const std::shared_lock lock(guard_);
    for (std::size_t k = first; k < std::min(first + kStep, keys.size()); ++k)
      if (const auto print = prints_.find(keys[k]); print != prints_.end())
        found.push_back({keys[k], exact(probe, print->second, 0, reference, scratch)});
  }
  scratch.wipe();
  keep_best(found, limit);
  return found;
}

}  // namespace limen::ridge
