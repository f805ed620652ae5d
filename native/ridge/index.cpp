// Many prints in memory: a first stage over all of them, the exact comparator on what is left.
#include "ridge/index.hpp"

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

// Of survivors, those without a pair of minutiae that others support this much are not weighed further: four in five
// strangers, one in a thousand mates (docs/performance.md).
constexpr float kLeastAgreement = 0.4f;

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
  const std::uint8_t* rest = kept.bytes + sizeof(Row) * kept.n;
  for (int i = 0; i < kept.n; ++i) {
    Row row;
    std::memcpy(&row, kept.bytes + sizeof(Row) * i, sizeof(Row));
    print.high[i] = row.high;
    print.set(i, row.left(), -row.up(), row.angle, row.kind, row.quality);
    if (i < kept.blocks * kBlock) {
      const std::uint32_t slot = kept.slots[i / kBlock];
      print.low[i] = chunks_[slot / kChunk]->blocks[slot % kChunk].low[i % kBlock];
    } else {
      std::memcpy(&print.low[i], rest + sizeof(std::uint64_t) * (i - kept.blocks * kBlock), sizeof(std::uint64_t));
    }
  }
  print.outline();
}

Index::Print* Index::find(std::uint64_t key) const {
  const std::uint32_t at = at_.find(key);
  return at == store::Handles::kNone ? nullptr : &prints_[at / kPage][at % kPage];
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
  regions_.emplace_back(large ? kRegion : sizeof(Chunk));
  auto* const first = reinterpret_cast<Chunk*>(regions_.back().data());
  for (int k = 0; k < (large ? kRegionChunks : 1); ++k) chunks_.push_back(new (first + k) Chunk);
}

template <class Visit>
void Index::each(const Print& print, Visit visit) {
  visit(print.first);
  if (print.more)
    for (const Kept& kept : *print.more) visit(kept);
}

void Index::Made::begin(int minutiae) {
  n = minutiae;
  const auto room = static_cast<std::size_t>(std::max(n, 1));  // memory even for none: nothing is copied from nowhere
  if (rows.size() < room) rows.resize(room), low.resize(room);
}

void Index::Made::end() { count = scan_blocks(rows.data(), low.data(), n, blocks.data()); }

Index::Made::~Made() {
  if (rows.empty()) return;  // never used
  explicit_bzero(rows.data(), rows.size() * sizeof(Row));
  explicit_bzero(low.data(), low.size() * sizeof(std::uint64_t));
  explicit_bzero(blocks.data(), sizeof blocks);
}

void Index::make(const Minutiae& print, Made& made) {
  made.begin(print.n);
  write_rows(print, block_order(print), made.rows.data(), made.low.data());
  made.end();
}

void Index::put_in(std::uint64_t key, const Made* views, std::size_t count) {
  take_out(key);
  std::uint32_t at = prints_used_;
  if (prints_free_.empty()) {
    if (at == prints_.size() * kPage) prints_.push_back(std::make_unique<Print[]>(kPage));
    ++prints_used_;
  } else {
    at = prints_free_.back();
    prints_free_.pop_back();
  }
  Print& print = prints_[at / kPage][at % kPage];
  for (std::size_t v = 0; v < count; ++v) {
    const Made& made = views[v];
    Kept kept{arena_.take(size_of(made.n, made.count)), static_cast<std::uint16_t>(made.n),
              static_cast<std::uint16_t>(made.count)};
    std::memcpy(kept.bytes, made.rows.data(), sizeof(Row) * made.n);
    if (const int inside = made.count * kBlock; made.n > inside)
      std::memcpy(kept.bytes + sizeof(Row) * made.n, &made.low[inside], sizeof(std::uint64_t) * (made.n - inside));
    for (int b = 0; b < made.count; ++b) {
      const std::uint32_t slot = kept.slots[b] = take_slot();
      Chunk& chunk = *chunks_[slot / kChunk];
      chunk.blocks[slot % kChunk] = made.blocks[b];
      chunk.keys[slot % kChunk] = key;
    }
    if (v == 0) {
      print.first = kept;
      continue;
    }
    if (!print.more) print.more = std::make_unique<std::vector<Kept>>();
    print.more->push_back(kept);
  }
  at_.put(key, at);
}

bool Index::take_out(std::uint64_t key) {
  Print* const print = find(key);
  if (!print) return false;
  each(*print, [&](const Kept& kept) {
    for (int b = 0; b < kept.blocks; ++b) {
      Chunk& chunk = *chunks_[kept.slots[b] / kChunk];
      chunk.blocks[kept.slots[b] % kChunk] = Block{};
      chunk.keys[kept.slots[b] % kChunk] = 0;
      free_.push_back(kept.slots[b]);
    }
    arena_.give(kept.bytes, size_of(kept.n, kept.blocks));
  });
  *print = Print();
  prints_free_.push_back(at_.find(key));
  at_.erase(key);
  return true;
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
    std::vector<StoredView> views;
    std::vector<Minutiae> whole(1);
    std::vector<Made> made(kStep);                             // views of the prints that are ready
    std::vector<std::pair<std::uint64_t, std::size_t>> ready;  // a print's key, and how many views it has
    for (std::size_t first = at.fetch_add(kStep); first < prints.size(); first = at.fetch_add(kStep)) {
      ready.clear();
      std::size_t used = 0;
      for (std::size_t k = first; k < std::min(first + kStep, prints.size()); ++k) {
        const auto [data, size] = prints[k];
        try {
          const std::size_t own = read_stored(data, size, views);
          if (views.empty() && !is_whole(data, size, rule)) {
            clear[k] = kInViews;
            continue;
          }
          const std::size_t count = std::max<std::size_t>(views.size(), 1);
          if (made.size() < used + count) made.resize(used + count);
          for (const StoredView& view : views) {
            made[used].begin(view.n);
            view.write(made[used].rows.data(), made[used].low.data());
            made[used++].end();
          }
          if (views.empty()) {  // without codes
            read_template(data, own, whole[0]);
            describe(whole[0]);
            make(whole[0], made[used++]);
          }
          clear[k] = count_clear(data, size, rule.clear);
          ready.emplace_back(keys[k], count);
        } catch (const std::invalid_argument&) {  // kNoPrint
        }
      }
      const std::lock_guard gate(gate_);
      const std::unique_lock lock(guard_);
      for (const auto& [key, count] : ready) at_.expect(key);
      const Made* next = made.data();
      for (const auto& [key, count] : ready) put_in(key, next, count), next += count;
    }
  });
  return clear;
}

bool Index::remove(std::uint64_t key) {
  const std::lock_guard gate(gate_);
  const std::unique_lock lock(guard_);
  return take_out(key);
}

std::size_t Index::remove_many(const std::uint64_t* keys, std::size_t count) {
  constexpr std::size_t kStep = 32;  // prints taken out under one lock
  std::size_t gone = 0;
  for (std::size_t first = 0; first < count; first += kStep) {
    const std::lock_guard gate(gate_);
    const std::unique_lock lock(guard_);
    for (std::size_t k = first; k < std::min(first + kStep, count); ++k) gone += take_out(keys[k]);
  }
  return gone;
}

std::size_t Index::size() const {
  const std::shared_lock lock(guard_);
  return at_.size();
}

std::size_t Index::memory() const {
  const std::shared_lock lock(guard_);
  const std::size_t alone = std::min<std::size_t>(chunks_.size(), kRegionChunks);
  return alone * sizeof(Chunk) + (regions_.size() - alone) * kRegion + arena_.memory() + at_.memory() +
         prints_.size() * kPage * sizeof(Print) + (prints_free_.capacity() + free_.capacity()) * sizeof(std::uint32_t);
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
    chunks = (used_ + kChunk - 1) / kChunk, size = at_.size();
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
          if (const Print* const print = find(left[p][k]))
            parts[thread].push_back({left[p][k], exact(probes[p], *print, everything ? 0 : kLeastAgreement, reference, scratch)});
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
      if (const Print* const print = find(keys[k]))
        found.push_back({keys[k], exact(probe, *print, 0, reference, scratch)});
  }
  scratch.wipe();
  keep_best(found, limit);
  return found;
}

}  // namespace limen::ridge
