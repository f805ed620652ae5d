// Depthwise convolution, sixteen channels of eight pixels at a time: every loaded pixel serves all its taps.
#pragma once

#include <immintrin.h>

#include <cstddef>

namespace limen::leader {

inline constexpr int kRun = 8;  // pixels at a time; with 7x7 taps 14 inputs, 8 sums and a weight fill 23 of 32 registers

/// Sums of eight neighbouring pixels. `in`: the first tap of the first pixel; `row`, `step`: floats from row to row and
/// from pixel to pixel; `weights`: Size * Size vectors.
template <int Size>
inline void depthwise(const float* in, std::ptrdiff_t row, int step, const float* weights, __m512* sum) {
    __m512 held[kRun];  // in registers: the compiler cannot keep `sum` there, for all it knows it is the input
#pragma GCC unroll 8
    for (int n = 0; n < kRun; ++n) held[n] = _mm512_setzero_ps();
#pragma GCC unroll 1
    for (int i = 0; i < Size; ++i, in += row) {
        __m512 pixel[kRun + Size - 1];
#pragma GCC unroll 16
        for (int j = 0; j < kRun + Size - 1; ++j) pixel[j] = _mm512_loadu_ps(in + j * step);
#pragma GCC unroll 8
        for (int k = 0; k < Size; ++k, weights += 16) {
            const __m512 weight = _mm512_loadu_ps(weights);
#pragma GCC unroll 8
            for (int n = 0; n < kRun; ++n) held[n] = _mm512_fmadd_ps(pixel[n + k], weight, held[n]);
        }
    }
#pragma GCC unroll 8
    for (int n = 0; n < kRun; ++n) sum[n] = held[n];
}

}  // namespace limen::leader
