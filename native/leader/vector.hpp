// Sixteen float32 at a time: activation functions and the sums that normalisation needs. AVX-512 only.
#pragma once

#include <immintrin.h>

#include <cstdint>

namespace limen::leader {

inline constexpr int kLanes = 16;

/// GELU in its tanh form: x (1/2 + t(x)), t = tanh(...) / 2 as x P(x^2) with x held to [-3.8, 3.8]. P minimises the
/// largest error of the result, 1.3e-4, a thirtieth of a bfloat16's rounding at 1.
inline __m512 gelu(__m512 x) {
    const __m512 edge = _mm512_set1_ps(3.8f);
    const __m512 held = _mm512_max_ps(_mm512_min_ps(x, edge), _mm512_sub_ps(_mm512_setzero_ps(), edge));
    const __m512 square = _mm512_mul_ps(held, held);
    __m512 p = _mm512_set1_ps(3.22590889e-08f);
    p = _mm512_fmadd_ps(p, square, _mm512_set1_ps(-2.06286164e-06f));
    p = _mm512_fmadd_ps(p, square, _mm512_set1_ps(5.67969539e-05f));
    p = _mm512_fmadd_ps(p, square, _mm512_set1_ps(-8.95784306e-04f));
    p = _mm512_fmadd_ps(p, square, _mm512_set1_ps(9.14151570e-03f));
    p = _mm512_fmadd_ps(p, square, _mm512_set1_ps(-6.52574058e-02f));
    p = _mm512_fmadd_ps(p, square, _mm512_set1_ps(3.98153885e-01f));
    const __m512 t = _mm512_fmadd_ps(held, p, _mm512_set1_ps(0.5f));
    return _mm512_mul_ps(x, t);
}

/// 2^x for |x| < 126, relative error 2e-7: Taylor series of e^(f ln 2) on the fraction f in [-1/2, 1/2].
inline __m512 exp2(__m512 x) {
    const __m512 whole = _mm512_roundscale_ps(x, _MM_FROUND_TO_NEAREST_INT | _MM_FROUND_NO_EXC);
    const __m512 f = _mm512_sub_ps(x, whole);
    __m512 p = _mm512_set1_ps(1.54035304e-4f);
    p = _mm512_fmadd_ps(p, f, _mm512_set1_ps(1.33335581e-3f));
    p = _mm512_fmadd_ps(p, f, _mm512_set1_ps(9.61812911e-3f));
    p = _mm512_fmadd_ps(p, f, _mm512_set1_ps(5.55041087e-2f));
    p = _mm512_fmadd_ps(p, f, _mm512_set1_ps(2.40226507e-1f));
    p = _mm512_fmadd_ps(p, f, _mm512_set1_ps(6.93147181e-1f));
    p = _mm512_fmadd_ps(p, f, _mm512_set1_ps(1.0f));
    return _mm512_scalef_ps(p, whole);
}

/// 1 / (1 + e^-x); x is held to [-80, 80].
inline __m512 sigmoid(__m512 x) {
    const __m512 held = _mm512_max_ps(_mm512_min_ps(x, _mm512_set1_ps(80.f)), _mm512_set1_ps(-80.f));
    const __m512 grown = exp2(_mm512_mul_ps(held, _mm512_set1_ps(-1.44269504f)));
    return _mm512_div_ps(_mm512_set1_ps(1.f), _mm512_add_ps(_mm512_set1_ps(1.f), grown));
}

/// 1 / sqrt(x) to full precision: one Newton step on the 14-bit estimate.
inline __m512 rsqrt(__m512 x) {
    const __m512 guess = _mm512_rsqrt14_ps(x);
    const __m512 half = _mm512_mul_ps(_mm512_mul_ps(x, guess), _mm512_set1_ps(-0.5f));
    return _mm512_mul_ps(guess, _mm512_fmadd_ps(half, guess, _mm512_set1_ps(1.5f)));
}

/// Sums of sixteen vectors, in their order: lane i is the sum of v[i].
inline __m512 sums(const __m512* v) {
    const __m512i even = _mm512_set_epi32(30, 28, 26, 24, 22, 20, 18, 16, 14, 12, 10, 8, 6, 4, 2, 0);
    const __m512i odd = _mm512_set_epi32(31, 29, 27, 25, 23, 21, 19, 17, 15, 13, 11, 9, 7, 5, 3, 1);
    __m512 t[16];
    for (int i = 0; i < 16; ++i) t[i] = v[i];
    for (int n = 8; n; n /= 2)
        for (int i = 0; i < n; ++i)
            t[i] = _mm512_add_ps(_mm512_permutex2var_ps(t[2 * i], even, t[2 * i + 1]),
                                 _mm512_permutex2var_ps(t[2 * i], odd, t[2 * i + 1]));
    return t[0];
}

/// Thirty-two float32 as bfloat16, rounded to nearest even.
inline __m512i to_bf16(__m512 low, __m512 high) { return (__m512i)_mm512_cvtne2ps_pbh(high, low); }

}  // namespace limen::leader
