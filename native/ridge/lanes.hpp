// As many 32-bit values at once as a register holds (GCC and Clang vector extensions).
#pragma once

#include <cstdint>

namespace limen::ridge::LIMEN_LEVEL {
namespace {

#if defined(__AVX512F__)
constexpr int kWide = 16;
#elif defined(__AVX2__)
constexpr int kWide = 8;
#else
constexpr int kWide = 4;
#endif
typedef float Real __attribute__((vector_size(4 * kWide)));
typedef std::int32_t Whole __attribute__((vector_size(4 * kWide)));
typedef float RealAnywhere __attribute__((vector_size(4 * kWide), aligned(4)));
typedef std::int32_t WholeAnywhere __attribute__((vector_size(4 * kWide), aligned(4)));
alignas(64) constexpr std::int32_t kNumbers[16] = {0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15};

inline Real load(const float* p) { return *reinterpret_cast<const RealAnywhere*>(p); }
inline Whole load(const std::int32_t* p) { return *reinterpret_cast<const WholeAnywhere*>(p); }
inline void store(float* p, Real v) { *reinterpret_cast<RealAnywhere*>(p) = v; }
inline void store(std::int32_t* p, Whole v) { *reinterpret_cast<WholeAnywhere*>(p) = v; }
inline Real every(float v) { return v - Real{}; }
inline Whole every(std::int32_t v) { return v - Whole{}; }
inline Real lesser(Real a, Real b) { return a < b ? a : b; }
inline Whole lesser(Whole a, Whole b) { return a < b ? a : b; }
inline Real magnitude(Real v) { return reinterpret_cast<Real>(reinterpret_cast<Whole>(v) & 0x7FFFFFFF); }
inline Whole magnitude(Whole v) { return v < 0 ? -v : v; }
inline Whole wrap(Whole angle) { return (angle << 16) >> 16; }
inline Real real(Whole v) { return __builtin_convertvector(v, Real); }
inline Whole whole(Real v) { return __builtin_convertvector(v, Whole); }
inline Real root(Real v) {
  Real out;
  for (int k = 0; k < kWide; ++k) out[k] = __builtin_sqrtf(v[k]);
  return out;
}
inline std::int32_t least_of(Whole v) {
  std::int32_t out = v[0];
  for (int k = 1; k < kWide; ++k) out = v[k] < out ? v[k] : out;
  return out;
}

}  // namespace
}  // namespace limen::ridge::LIMEN_LEVEL
