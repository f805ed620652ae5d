// The scan with AVX2: sixteen products a step, widened to 16 bits so that none saturates.
#include "matcher/scan.hpp"

#if defined(__AVX2__)
#include <immintrin.h>

namespace limen::matcher::avx2 {
namespace {

std::int32_t dot(const std::int8_t* a, const std::int8_t* b, std::size_t width) {
  __m256i sum = _mm256_setzero_si256();
  for (std::size_t i = 0; i < width; i += 16) {
    const __m256i x = _mm256_cvtepi8_epi16(_mm_loadu_si128(reinterpret_cast<const __m128i*>(a + i)));
    const __m256i y = _mm256_cvtepi8_epi16(_mm_loadu_si128(reinterpret_cast<const __m128i*>(b + i)));
    sum = _mm256_add_epi32(sum, _mm256_madd_epi16(x, y));
  }
  __m128i half = _mm_add_epi32(_mm256_castsi256_si128(sum), _mm256_extracti128_si256(sum, 1));
  half = _mm_add_epi32(half, _mm_shuffle_epi32(half, 0x4E));
  half = _mm_add_epi32(half, _mm_shuffle_epi32(half, 0xB1));
  return _mm_cvtsi128_si32(half);
}

}  // namespace

void pass(const Rows& rows, const Probes& probes, const std::uint8_t* allowed, std::size_t first, std::size_t last,
          Ranking* rankings) {
  for (std::size_t p = 0; p < probes.n; ++p) {
    const std::int8_t* probe = probes.values + p * rows.width;
    for (std::size_t r = first; r < last; ++r) {
      const float score =
          static_cast<float>(dot(probe, rows.values + r * rows.width, rows.width)) * (probes.scales[p] * rows.scales[r]);
      if (score >= rankings[p].floor() && allowed[rows.slots[r]]) rankings[p].offer(score, static_cast<std::int64_t>(r));
    }
  }
}

}  // namespace limen::matcher::avx2
#endif
