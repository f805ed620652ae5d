// The scan with AVX-512 VNNI. Its instruction multiplies unsigned by signed bytes, so 128 is added to each probe value
// and 128 times the row's sum taken off again; both are exact in 32 bits.
#include "matcher/scan.hpp"

#if defined(__AVX512VNNI__)
#include <immintrin.h>

#include <algorithm>
#include <cstring>

namespace limen::matcher::avx512 {
namespace {

constexpr std::size_t kTogether = 16;  // probes that share a register, one a lane

// One probe: both vectors in whole registers, lanes added up at the end.
void one(const Rows& rows, const std::uint8_t* probe, float scale, const std::uint8_t* allowed, std::size_t first,
         std::size_t last, Ranking& ranking) {
  const __m512i ones = _mm512_set1_epi8(1);
  for (std::size_t r = first; r < last; ++r) {
    const std::int8_t* row = rows.values + r * rows.width;
    __m512i sum = _mm512_setzero_si512(), plain = _mm512_setzero_si512();
    for (std::size_t i = 0; i < rows.width; i += 64) {
      const __m512i values = _mm512_loadu_si512(row + i);
      sum = _mm512_dpbusd_epi32(sum, _mm512_loadu_si512(probe + i), values);
      plain = _mm512_dpbusd_epi32(plain, ones, values);
    }
    sum = _mm512_sub_epi32(sum, _mm512_slli_epi32(plain, 7));
    const float score = static_cast<float>(_mm512_reduce_add_epi32(sum)) * (scale * rows.scales[r]);
    if (score >= ranking.floor() && allowed[rows.slots[r]]) ranking.offer(score, static_cast<std::int64_t>(r));
  }
}

// Sixteen probes: four values of each in a register, four values of the row broadcast; no lanes to add up.
void sixteen(const Rows& rows, const std::uint8_t* woven, const float* scales, const std::uint8_t* allowed,
             std::size_t first, std::size_t last, Ranking* rankings, std::size_t used) {
  alignas(64) float floors[kTogether], scores[kTogether];
  for (std::size_t p = 0; p < kTogether; ++p) floors[p] = p < used ? rankings[p].floor() : 3.4e38f;
  const __m512 by = _mm512_loadu_ps(scales);
  const __m512i ones = _mm512_set1_epi8(1);
  for (std::size_t r = first; r < last; ++r) {
    const std::int8_t* row = rows.values + r * rows.width;
    __m512i even = _mm512_setzero_si512(), odd = _mm512_setzero_si512(), plain = _mm512_setzero_si512();
    for (std::size_t i = 0; i < rows.width; i += 64) plain = _mm512_dpbusd_epi32(plain, ones, _mm512_loadu_si512(row + i));
    for (std::size_t i = 0; i < rows.width; i += 8) {
      std::int32_t four, next;
      std::memcpy(&four, row + i, 4);
      std::memcpy(&next, row + i + 4, 4);
      even = _mm512_dpbusd_epi32(even, _mm512_load_si512(woven + 16 * i), _mm512_set1_epi32(four));
      odd = _mm512_dpbusd_epi32(odd, _mm512_load_si512(woven + 16 * i + 64), _mm512_set1_epi32(next));
    }
    const __m512i offset = _mm512_set1_epi32(_mm512_reduce_add_epi32(plain) * 128);
    const __m512 score = _mm512_mul_ps(_mm512_cvtepi32_ps(_mm512_sub_epi32(_mm512_add_epi32(even, odd), offset)),
                                       _mm512_mul_ps(by, _mm512_set1_ps(rows.scales[r])));
    const __mmask16 over = _mm512_cmp_ps_mask(score, _mm512_load_ps(floors), _CMP_GE_OQ);
    if (!over || !allowed[rows.slots[r]]) continue;
    _mm512_store_ps(scores, score);
    for (std::size_t p = 0; p < used; ++p) {
      if (!(over >> p & 1)) continue;
      rankings[p].offer(scores[p], static_cast<std::int64_t>(r));
      floors[p] = rankings[p].floor();
    }
  }
}

}  // namespace

void pass(const Rows& rows, const Probes& probes, const std::uint8_t* allowed, std::size_t first, std::size_t last,
          Ranking* rankings) {
  const std::size_t width = rows.width;
  if (probes.n < 3) {
    std::vector<std::uint8_t> probe(width);
    for (std::size_t p = 0; p < probes.n; ++p) {
      for (std::size_t i = 0; i < width; ++i) probe[i] = static_cast<std::uint8_t>(probes.values[p * width + i] + 128);
      one(rows, probe.data(), probes.scales[p], allowed, first, last, rankings[p]);
    }
    return;
  }
  std::vector<std::uint8_t> room(kTogether * width + 64);
  std::uint8_t* woven = room.data() + (64 - reinterpret_cast<std::uintptr_t>(room.data()) % 64) % 64;
  for (std::size_t start = 0; start < probes.n; start += kTogether) {
    const std::size_t used = std::min(kTogether, probes.n - start);
    float scales[kTogether] = {};
    std::memset(woven, 128, kTogether * width);
    for (std::size_t p = 0; p < used; ++p) {
      scales[p] = probes.scales[start + p];
      for (std::size_t i = 0; i < width; ++i)
        woven[16 * (i & ~std::size_t{3}) + 4 * p + (i & 3)] =
            static_cast<std::uint8_t>(probes.values[(start + p) * width + i] + 128);
    }
    sixteen(rows, woven, scales, allowed, first, last, rankings + start, used);
  }
}

}  // namespace limen::matcher::avx512
#endif
