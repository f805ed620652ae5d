// Depthwise convolution, sixteen channels of eight pixels at a time: every loaded pixel serves all its taps.
#pragma once

#include <immintrin.h>

#include <cstddef>
#include <cstdint>

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

/// The same with 7x7 taps on bfloat16, for two rows at once: sixteen channels of every second (`odd`: the others) of 32.
/// `sum[line * kRun + pixel]`. Each loaded pixel serves both rows, and the weights of a row of taps stay in registers.
class PairedDepthwise {
  public:
    static constexpr int kSize = 7;

    PairedDepthwise(const std::uint16_t* in, std::ptrdiff_t row, int step, const float* weights, bool odd)
        : in_(in), row_(row), step_(step), weights_(weights), odd_(odd) {}

    void run(__m512* sum) const {
        if (odd_) run_half<true>(sum);
        else run_half<false>(sum);
    }

  private:
    template <bool Odd>
    void run_half(__m512* sum) const {
        __m512 held[2 * kRun];
#pragma GCC unroll 16
        for (int n = 0; n < 2 * kRun; ++n) held[n] = _mm512_setzero_ps();
        add<Odd, true, false>(0, held);
#pragma GCC unroll 1
        for (int i = 1; i < kSize; ++i) add<Odd, true, true>(i, held);
        add<Odd, false, true>(kSize, held);
#pragma GCC unroll 16
        for (int n = 0; n < 2 * kRun; ++n) sum[n] = held[n];
    }

    /// Row `i` of the input: row i of the taps for the first line, row i - 1 for the second.
    template <bool Odd, bool First, bool Second>
    [[gnu::always_inline]] void add(int i, __m512* held) const {
        const std::uint16_t* from = in_ + i * row_;
        __m512 first[kSize], second[kSize];
#pragma GCC unroll 8
        for (int k = 0; k < kSize; ++k) {
            if (First) first[k] = _mm512_loadu_ps(weights_ + (i * kSize + k) * 16);
            if (Second) second[k] = _mm512_loadu_ps(weights_ + ((i - 1) * kSize + k) * 16);
        }
#pragma GCC unroll 16
        for (int j = 0; j < kRun + kSize - 1; ++j) {
            const __m512i both = _mm512_loadu_si512(from + j * step_);
            const __m512 pixel = _mm512_castsi512_ps(Odd ? _mm512_and_si512(both, _mm512_set1_epi32(-65536))
                                                         : _mm512_slli_epi32(both, 16));
#pragma GCC unroll 8
            for (int k = 0; k < kSize; ++k) {
                const int n = j - k;
                if (n < 0 || n >= kRun) continue;
                if (First) held[n] = _mm512_fmadd_ps(pixel, first[k], held[n]);
                if (Second) held[kRun + n] = _mm512_fmadd_ps(pixel, second[k], held[kRun + n]);
            }
        }
    }

    const std::uint16_t* in_;
    std::ptrdiff_t row_;
    int step_;
    const float* weights_;
    bool odd_;
};

}  // namespace limen::leader
