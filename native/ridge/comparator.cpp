// Choice of instruction set, and memory for comparisons.
#include "ridge/comparator.hpp"

#include <algorithm>
#include <cstring>

namespace limen::ridge {

Level best_level() {
  static const Level level = [] {
    __builtin_cpu_init();
    if (__builtin_cpu_supports("avx512f") && __builtin_cpu_supports("avx512bw") && __builtin_cpu_supports("avx512vl") &&
        __builtin_cpu_supports("avx512dq") && __builtin_cpu_supports("avx512vpopcntdq") &&
        __builtin_cpu_supports("avx512vnni"))
      return Level::avx512;
    return __builtin_cpu_supports("avx2") ? Level::avx2 : Level::plain;
  }();
  return level;
}

CompareFunction comparator(Level level) {
  switch (std::min(level, best_level())) {
    case Level::avx512: return avx512::compare;
    case Level::avx2: return avx2::compare;
    default: return plain::compare;
  }
}

View view(const Minutiae& print) {
  return {print.n, print.padded, print.x.data(), print.y.data(), print.cosine.data(), print.sine.data(), print.weight.data(), print.hull,
          print.angle.data(), print.kind.data(), print.low.data(), print.high.data()};
}

Room Scratch::room(int n, int m) {
  const std::size_t whole = 4ull * m + 7ull * n, real = 7ull * n;
  if (whole_.size() < whole) whole_.resize(whole);
  if (real_.size() < real) real_.resize(real);
  std::int32_t* w = whole_.data();
  float* r = real_.data();
  Room room{};
  room.distance = w, room.column = w + m, room.inside_second = w + 2 * m;
  w += 3 * m;
  room.row = w, room.inside_first = w + n, room.angle = w + 2 * n, room.pairs_first = w + 3 * n;
  room.pairs_second = w + 4 * n, room.candidates = w + 5 * n;
  room.x = r, room.y = r + n, room.sum = r + 2 * n, room.sum_x = r + 3 * n, room.sum_y = r + 4 * n;
  room.residual_x = r + 5 * n, room.residual_y = r + 6 * n;
  return room;
}

void Scratch::wipe() {
  if (!whole_.empty()) explicit_bzero(whole_.data(), whole_.size() * sizeof(std::int32_t));
  if (!real_.empty()) explicit_bzero(real_.data(), real_.size() * sizeof(float));
}

}  // namespace limen::ridge
