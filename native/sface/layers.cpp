#include "layers.hpp"

#include <immintrin.h>

#include <algorithm>

namespace limen::sface {
namespace {

constexpr int kLanes = 16;
constexpr int kTaps = 9;
constexpr float kMean = 127.5f, kScale = 1 / 128.f;  // what the graph does to a pixel's level

/// Channels in the order that splitting 32 bfloat16 into even and odd ones brings them: 0, 2 ... 30, 1, 3 ... 31.
int split(int channel) { return channel / 32 * 32 + channel % 2 * 16 + channel % 32 / 2; }

Buffer<float> split(const float* values, int channels) {
    Buffer<float> sorted;
    sorted.resize(channels);
    for (int c = 0; c < channels; ++c) sorted.data()[split(c)] = values[c];
    return sorted;
}

__m512 bend(__m512 x, __m512 slope) {
    const __m512 zero = _mm512_setzero_ps();
    return _mm512_fmadd_ps(_mm512_min_ps(x, zero), slope, _mm512_max_ps(x, zero));
}

__m512i to_bf16(__m512 low, __m512 high) { return (__m512i)_mm512_cvtne2ps_pbh(high, low); }
__m512 even(__m512i pixel) { return _mm512_castsi512_ps(_mm512_slli_epi32(pixel, 16)); }
__m512 odd(__m512i pixel) { return _mm512_castsi512_ps(_mm512_and_si512(pixel, _mm512_set1_epi32(-65536))); }

/// 32 rows of sums in tiles 0-3, with bias and activation, to a map's pixels from number `first` on.
void store_block(const Bend& bent, int block, int first, Activations& out) {
    alignas(64) float sums[kRows * kColumns];
    store_sums(sums);
    const __m512 bias_low = _mm512_loadu_ps(bent.bias.data() + block * kColumns);
    const __m512 bias_high = _mm512_loadu_ps(bent.bias.data() + block * kColumns + kLanes);
    const __m512 slope_low = _mm512_loadu_ps(bent.slope.data() + block * kColumns);
    const __m512 slope_high = _mm512_loadu_ps(bent.slope.data() + block * kColumns + kLanes);
    const int count = std::min(kRows, out.height() * out.width() - first);
    int y = first / out.width(), x = first % out.width();
    std::uint16_t* to = out.at(y, x) + block * kColumns;
    for (int i = 0; i < count; ++i) {
        const __m512 low = _mm512_add_ps(_mm512_load_ps(sums + i * kColumns), bias_low);
        const __m512 high = _mm512_add_ps(_mm512_load_ps(sums + i * kColumns + kLanes), bias_high);
        _mm512_storeu_si512(to, to_bf16(bend(low, slope_low), bend(high, slope_high)));
        to += out.channels();
        if (++x == out.width()) {
            x = 0;
            to = out.at(++y, 0) + block * kColumns;
        }
    }
}

}  // namespace

Bend::Bend(const Arrays& arrays, const std::string& name, int channels)
    : bias(padded(arrays.at(name + "/bias", {channels}))), slope(padded(arrays.at(name + "/slope", {channels}))) {}

// ---- First ----

First::First(const Arrays& arrays)
    : kernel_(arrays.at("first/kernel", {kTaps * kColours, kColumns}).data, kTaps * kColours, kColumns),
      bend_(arrays, "first", kColumns),
      channels_(kColumns) {}

void First::run(const std::uint8_t* face, std::uint16_t* rows, Activations& out) const {
    std::uint16_t level[256];
    for (int i = 0; i < 256; ++i) level[i] = bf16((static_cast<float>(i) - kMean) * kScale);
    std::fill_n(rows, kRows * kDepth, std::uint16_t{0});
    for (int first = 0; first < kSide * kSide; first += kRows) {  // a multiple: 112 * 112 = 392 * 32
        for (int i = 0; i < kRows; ++i) {
            const int y = (first + i) / kSide, x = (first + i) % kSide;
            std::uint16_t* to = rows + i * kDepth;
            for (int down = y - 1; down <= y + 1; ++down)
                for (int across = x - 1; across <= x + 1; ++across) {
                    const bool inside = down >= 0 && down < kSide && across >= 0 && across < kSide;
                    const std::uint8_t* pixel = face + (down * kSide + across) * kColours;
                    for (int c = 0; c < kColours; ++c) *to++ = inside ? level[pixel[c]] : std::uint16_t{0};
                }
        }
        clear_sums();
        multiply(rows, kDepth, kernel_, 0);
        store_block(bend_, 0, first, out);
    }
}

// ---- Separable ----

Separable::Separable(const Arrays& arrays, const std::string& name, int depth, int columns, int stride)
    : depth_(depth),
      columns_(columns),
      stride_(stride),
      depthwise_(arrays, name + "/depthwise", depth),
      bend_(arrays, name + "/pointwise", columns) {
    const float* taps = arrays.at(name + "/depthwise/kernel", {kTaps, depth}).data;
    taps_.resize(static_cast<std::size_t>(kTaps) * depth);
    for (int tap = 0; tap < kTaps; ++tap)
        for (int c = 0; c < depth; ++c)
            taps_.data()[c / 32 * kTaps * 32 + tap * 32 + split(c) % 32] = taps[tap * depth + c];
    depthwise_.bias = split(arrays.at(name + "/depthwise/bias", {depth}).data, depth);
    depthwise_.slope = split(arrays.at(name + "/depthwise/slope", {depth}).data, depth);
    const float* weights = arrays.at(name + "/pointwise/kernel", {depth, columns}).data;
    Buffer<float> sorted;
    sorted.resize(static_cast<std::size_t>(depth) * columns);
    for (int c = 0; c < depth; ++c) std::copy_n(weights + c * columns, columns, sorted.data() + split(c) * columns);
    pointwise_ = Packed(sorted.data(), depth, columns);
}

void Separable::depthwise(const Activations& in, int height, int width, std::uint16_t* rows) const {
    for (int group = 0; group < depth_; group += 32) {
        __m512 taps[2 * kTaps];
#pragma GCC unroll 18
        for (int i = 0; i < 2 * kTaps; ++i) taps[i] = _mm512_loadu_ps(taps_.data() + group * kTaps + i * kLanes);
        const __m512 even_bias = _mm512_loadu_ps(depthwise_.bias.data() + group);
        const __m512 odd_bias = _mm512_loadu_ps(depthwise_.bias.data() + group + kLanes);
        const __m512 even_slope = _mm512_loadu_ps(depthwise_.slope.data() + group);
        const __m512 odd_slope = _mm512_loadu_ps(depthwise_.slope.data() + group + kLanes);
        std::uint16_t* to = rows + group;
        for (int y = 0; y < height; ++y) {
            const std::uint16_t* from = in.at(y * stride_ - 1, -1) + group;
            for (int x = 0; x < width; ++x, to += depth_, from += stride_ * in.channels()) {
                __m512 low = even_bias, high = odd_bias;
#pragma GCC unroll 9
                for (int tap = 0; tap < kTaps; ++tap) {
                    const __m512i pixel = _mm512_loadu_si512(from + tap / 3 * in.row() + tap % 3 * in.channels());
                    low = _mm512_fmadd_ps(even(pixel), taps[2 * tap], low);
                    high = _mm512_fmadd_ps(odd(pixel), taps[2 * tap + 1], high);
                }
                _mm512_storeu_si512(to, to_bf16(bend(low, even_slope), bend(high, odd_slope)));
            }
        }
    }
}

void Separable::run(const Activations& in, std::uint16_t* rows, Activations& out) const {
    depthwise(in, out.height(), out.width(), rows);
    for (int block = 0; block < pointwise_.blocks(); ++block)  // a block of weights stays in the first cache
        for (int first = 0; first < out.height() * out.width(); first += kRows) {
            clear_sums();
            multiply(rows + static_cast<std::size_t>(first) * depth_, depth_, pointwise_, block);
            store_block(bend_, block, first, out);
        }
}

// ---- Last ----

Last::Last(const Arrays& arrays, int channels)
    : size_(arrays.at("last/bias", {0}).shape[0]), length_(kPixels * channels), bias_(padded(arrays.at("last/bias", {size_}))) {
    const float* weights = arrays.at("last/kernel", {size_, length_}).data;
    weights_.resize(static_cast<std::size_t>(size_) * length_);
    for (std::size_t i = 0; i < weights_.size(); ++i) weights_.data()[i] = bf16(weights[i]);
}

void Last::run(const std::uint16_t* in, int count, float* out) const {
    const std::uint16_t* other = in + (count - 1) * length_;
    for (int n = 0; n < size_; ++n) {
        const std::uint16_t* weights = weights_.data() + static_cast<std::size_t>(n) * length_;
        __m512 first[2] = {_mm512_setzero_ps(), _mm512_setzero_ps()}, second[2] = {first[0], first[0]};
        for (int i = 0; i < length_; i += 64)  // a multiple: 49 times channels of which there are a multiple of 64
#pragma GCC unroll 2
            for (int half = 0; half < 2; ++half) {
                const auto weight = (__m512bh)_mm512_loadu_si512(weights + i + 32 * half);
                first[half] = _mm512_dpbf16_ps(first[half], weight, (__m512bh)_mm512_loadu_si512(in + i + 32 * half));
                second[half] = _mm512_dpbf16_ps(second[half], weight, (__m512bh)_mm512_loadu_si512(other + i + 32 * half));
            }
        out[n] = bias_.data()[n] + _mm512_reduce_add_ps(_mm512_add_ps(first[0], first[1]));
        if (count == 2) out[size_ + n] = bias_.data()[n] + _mm512_reduce_add_ps(_mm512_add_ps(second[0], second[1]));
    }
}

}  // namespace limen::sface
