// The exact comparator: two prints' minutiae to one score.
#pragma once

#include <cstdint>
#include <vector>

#include "ridge/minutiae.hpp"

namespace limen::ridge {

constexpr int kMaxCandidates = 64;  // pairs of alike local structures that are weighed against one another
constexpr float kUnrelated = -6;    // nats: no two minutiae have alike surroundings
constexpr int kFeatures = 24;       // what a comparison finds
constexpr int kScoreInputs = 21;    // what the scoring network sees of it

// A print as bare pointers, for the kernels: they must not instantiate library templates, because every instruction
// set would emit its own copy under one name and the linker would keep any.
struct View {
  int n, padded;
  const float *x, *y, *cosine, *sine, *weight, *hull;
  const std::int32_t *angle, *kind;
  const std::uint64_t *low, *high;
};

struct Outcome {
  float score = 0;                  // log-likelihood ratio of one finger against two, nats; 0 where nothing can be said
  float cosine = 1, sine = 0;       // rotation that carries the first print onto the second
  float shift_x = 0, shift_y = 0;   // and then this translation, pixels, y upwards
  int pairs = 0;
  float least_agreement = 0;        // set before: give up (kUnrelated) where no pair of minutiae is this well supported
  std::int32_t *pairs_first = nullptr, *pairs_second = nullptr;  // where to write the pairs, if wanted
  float features[kFeatures] = {}, inputs[kScoreInputs] = {};
};

// Room for one comparison; sizes in values. `n`, `m`: padded counts of the first and second print.
struct Room {
  std::int32_t *distance;                    // m
  std::int32_t *column, *inside_second;      // m
  std::int32_t *row, *inside_first, *angle;  // n
  float *x, *y;                              // n: the first print carried onto the second
  float *sum, *sum_x, *sum_y;                // n
  std::int32_t *candidates;                  // 2 n + m: packed candidate pairs
  std::int32_t *pairs_first, *pairs_second;  // n: the pairing
  float *residual_x, *residual_y;            // n
};

// One thread's memory for comparisons, grown as needed.
class Scratch {
 public:
  Room room(int n, int m);
  void wipe();  // overwrite: what is left of a print in it must not outlive a search

 private:
  std::vector<std::int32_t> whole_;
  std::vector<float> real_;
};

using CompareFunction = void (*)(const View&, const View&, const Room&, Outcome&);

// Instruction sets. All give the same result, bit for bit.
enum class Level { plain = 0, avx2 = 1, avx512 = 2 };
Level best_level();
CompareFunction comparator(Level level);
View view(const Minutiae& print);

namespace plain { void compare(const View&, const View&, const Room&, Outcome&); }
namespace avx2 { void compare(const View&, const View&, const Room&, Outcome&); }
namespace avx512 { void compare(const View&, const View&, const Room&, Outcome&); }

}  // namespace limen::ridge
