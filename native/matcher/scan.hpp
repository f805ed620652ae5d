// Exact scan of face templates in 8 bits: every row of the gallery against every probe, the best rows of each kept.
//
// A template is a vector of `width` int8 (a multiple of 64) and a scale; a likeness is the integer dot product times
// both scales. All arithmetic before that is in integers, so every instruction set gives the same numbers.
#pragma once

#include <cstddef>
#include <cstdint>
#include <vector>

namespace limen::matcher {

enum class Level { plain = 0, avx2 = 1, avx512 = 2 };

struct Rows {
  const std::int8_t* values;  // n x width
  const float* scales;        // n
  const std::int32_t* slots;  // n: record slot of each row
  std::size_t n, width;
};

struct Probes {
  const std::int8_t* values;  // n x width
  const float* scales;        // n
  std::size_t n;
};

struct Best {
  float score;
  std::int64_t row;
};

// The best `limit` rows of one probe, kept as a heap whose weakest stands first.
class Ranking {
 public:
  explicit Ranking(std::size_t limit) : limit_(limit) { best_.reserve(limit + 1); }
  // What a row must exceed to be kept.
  float floor() const { return best_.size() < limit_ ? -3.4e38f : best_.front().score; }
  void offer(float score, std::int64_t row);
  void merge(const Ranking& other);
  std::vector<Best> sorted() const;  // highest first, ties by row

 private:
  std::size_t limit_;
  std::vector<Best> best_;
};

// One pass over rows [first, last) for probes [0, probes.n); rankings has one entry a probe.
using Pass = void (*)(const Rows&, const Probes&, const std::uint8_t* allowed, std::size_t first, std::size_t last,
                      Ranking* rankings);

namespace plain {
void pass(const Rows&, const Probes&, const std::uint8_t*, std::size_t, std::size_t, Ranking*);
}
namespace avx2 {
void pass(const Rows&, const Probes&, const std::uint8_t*, std::size_t, std::size_t, Ranking*);
}
namespace avx512 {
void pass(const Rows&, const Probes&, const std::uint8_t*, std::size_t, std::size_t, Ranking*);
}

Level best_level();

// All rows, on up to `threads` threads. Results do not depend on `level` or `threads`.
std::vector<Ranking> scan(const Rows&, const Probes&, const std::uint8_t* allowed, std::size_t limit, int threads,
                          Level level);

}  // namespace limen::matcher
