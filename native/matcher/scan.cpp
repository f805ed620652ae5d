// Choice of instruction set, division among threads, and the plain kernel.
#include "matcher/scan.hpp"

#include <algorithm>
#include <thread>

namespace limen::matcher {
namespace {

constexpr std::size_t kBlock = 1024;            // rows that are met by all probes while they lie in the cache
constexpr std::size_t kRowsAThread = 1u << 15;  // fewer do not repay starting a thread

bool weaker(const Best& a, const Best& b) { return a.score > b.score || (a.score == b.score && a.row < b.row); }

Pass pass_of(Level level) {
#if defined(__x86_64__)
  switch (std::min(level, best_level())) {
    case Level::avx512: return avx512::pass;
    case Level::avx2: return avx2::pass;
    default: break;
  }
#endif
  (void)level;
  return plain::pass;
}

}  // namespace

void Ranking::offer(float score, std::int64_t row) {
  if (limit_ == 0 || (best_.size() == limit_ && !weaker({score, row}, best_.front()))) return;
  best_.push_back({score, row});
  std::push_heap(best_.begin(), best_.end(), weaker);
  if (best_.size() > limit_) {
    std::pop_heap(best_.begin(), best_.end(), weaker);
    best_.pop_back();
  }
}

void Ranking::merge(const Ranking& other) {
  for (const Best& best : other.best_) offer(best.score, best.row);
}

std::vector<Best> Ranking::sorted() const {
  std::vector<Best> result = best_;
  std::sort(result.begin(), result.end(), weaker);
  return result;
}

Level best_level() {
#if defined(__x86_64__)
  static const Level level = [] {
    __builtin_cpu_init();
    if (__builtin_cpu_supports("avx512f") && __builtin_cpu_supports("avx512bw") &&
        __builtin_cpu_supports("avx512vnni"))
      return Level::avx512;
    return __builtin_cpu_supports("avx2") ? Level::avx2 : Level::plain;
  }();
  return level;
#else
  return Level::plain;
#endif
}

std::vector<Ranking> scan(const Rows& rows, const Probes& probes, const std::uint8_t* allowed, std::size_t limit,
                          int threads, Level level) {
  const Pass pass = pass_of(level);
  const std::size_t parts = std::clamp<std::size_t>(rows.n / kRowsAThread, 1, std::max(threads, 1));
  std::vector<std::vector<Ranking>> found(parts, std::vector<Ranking>(probes.n, Ranking(limit)));
  auto work = [&](std::size_t part) {
    const std::size_t first = rows.n * part / parts, last = rows.n * (part + 1) / parts;
    for (std::size_t block = first; block < last; block += kBlock)
      pass(rows, probes, allowed, block, std::min(block + kBlock, last), found[part].data());
  };
  std::vector<std::thread> others;
  for (std::size_t part = 1; part < parts; ++part) others.emplace_back(work, part);
  work(0);
  for (std::thread& other : others) other.join();
  for (std::size_t part = 1; part < parts; ++part)
    for (std::size_t p = 0; p < probes.n; ++p) found[0][p].merge(found[part][p]);
  return std::move(found[0]);
}

namespace plain {

void pass(const Rows& rows, const Probes& probes, const std::uint8_t* allowed, std::size_t first, std::size_t last,
          Ranking* rankings) {
  for (std::size_t p = 0; p < probes.n; ++p) {
    const std::int8_t* probe = probes.values + p * rows.width;
    for (std::size_t r = first; r < last; ++r) {
      const std::int8_t* row = rows.values + r * rows.width;
      std::int32_t sum = 0;
      for (std::size_t i = 0; i < rows.width; ++i) sum += static_cast<std::int32_t>(probe[i]) * row[i];
      const float score = static_cast<float>(sum) * (probes.scales[p] * rows.scales[r]);
      if (score >= rankings[p].floor() && allowed[rows.slots[r]]) rankings[p].offer(score, static_cast<std::int64_t>(r));
    }
  }
}

}  // namespace plain
}  // namespace limen::matcher
