#include "heads.hpp"

#include <algorithm>
#include <cmath>

#include "vector.hpp"

namespace limen::leader {
namespace {

/// Half-resolution pixel (0-2, 1 the pixel itself) that tap 0-4 of a 5-wide window sees from subpixel 0 or 1.
int seen(int sub, int tap) { return (sub + tap - 2 + 2) / 2; }

float gelu_of(float x) { return _mm512_cvtss_f32(gelu(_mm512_set1_ps(x))); }

}  // namespace

Head::Head(const Arrays& arrays, const std::string& name, int outputs)
    : bottleneck_(arrays, name),
      outputs_(outputs),
      epsilon_(arrays.at("epsilon", {1}).data[0]),
      mix_(padded(arrays.at(name + "/mix", {4, 4}))),
      mix_bias_(padded(arrays.at(name + "/mix_bias", {4}))),
      out_bias_(padded(arrays.at(name + "/out_bias", {outputs}))) {
    const Array& kernel = arrays.at(name + "/out", {25, 4, outputs});
    out_.resize(static_cast<std::size_t>(4) * 9 * 4 * outputs);
    for (int sub = 0; sub < 4; ++sub)
        for (int tap = 0; tap < 25; ++tap) {
            const int pixel = seen(sub / 2, tap / 5) * 3 + seen(sub % 2, tap % 5);
            for (int i = 0; i < 4 * outputs; ++i) out_.data()[(sub * 9 + pixel) * 4 * outputs + i] += kernel.data[tap * 4 * outputs + i];
        }
}

void Head::mix(float* values) const {
    float variance = epsilon_, mixed[4];
    for (int c = 0; c < 4; ++c) variance += values[c] * values[c] / 4;  // the mean is taken out of the weights
    const float spread = 1 / std::sqrt(variance);
    for (int c = 0; c < 4; ++c) {
        mixed[c] = mix_bias_.data()[c];
        for (int from = 0; from < 4; ++from) mixed[c] += values[from] * spread * mix_.data()[from * 4 + c];
    }
    for (int c = 0; c < 4; ++c) values[c] = gelu_of(mixed[c]);
}

void Head::finish(const float* pixels, int sub_y, int sub_x, float* out) const {
    const float* weights = out_.data() + static_cast<std::size_t>(sub_y * 2 + sub_x) * 36 * outputs_;
    for (int o = 0; o < outputs_; ++o) out[o] = out_bias_.data()[o];
    for (int i = 0; i < 36; ++i)
        for (int o = 0; o < outputs_; ++o) out[o] += pixels[i] * weights[i * outputs_ + o];
}

PositionHead::PositionHead(const Arrays& arrays) : head_(arrays, "head0", 1), blur_(padded(arrays.at("blur", {25}))) {}

std::vector<Minutia> PositionHead::run(const Map<std::uint16_t>& in, float threshold, Workspace& work) {
    const int height = 2 * in.height(), width = 2 * in.width();
    for (Map<float>& plane : planes_) plane.resize(in.height(), in.width(), 1, 1);
    heat_.resize(height, width, 1, 2);
    blurred_.resize(height, width, 1, 3);
    head_.bottleneck().run(in, work);
    planes(work, in.height(), in.width());
    heat();
    blur();
    std::vector<Minutia> found;
    const __m512 least = _mm512_set1_ps(threshold);
    for (int y = 0; y < height; ++y)
        for (int x = 0; x < width; x += kLanes) {
            unsigned mask = _mm512_cmp_ps_mask(_mm512_loadu_ps(blurred_.at(y, x)), least, _CMP_GE_OQ);
            for (; mask; mask &= mask - 1) {
                const int at = x + __builtin_ctz(mask);
                const float peak = *blurred_.at(y, at);
                bool highest = true;  // of 7x7 pixels
                for (int dy = -3; highest && dy <= 3; ++dy)
                    for (int dx = -3; highest && dx <= 3; ++dx) highest = *blurred_.at(y + dy, at + dx) <= peak;
                if (!highest) continue;
                const auto shift = [&](float before, float after) {  // top of the parabola through three values
                    const float bend = before - 2 * peak + after;
                    return bend < -1e-6f ? std::clamp((before - after) / (2 * bend), -0.5f, 0.5f) : 0.f;
                };
                found.push_back({static_cast<float>(at), static_cast<float>(y),
                                 shift(*blurred_.at(y, at - 1), *blurred_.at(y, at + 1)),
                                 shift(*blurred_.at(y - 1, at), *blurred_.at(y + 1, at)), 0, 0, peak});
            }
        }
    return found;
}

void PositionHead::planes(const Workspace& work, int height, int width) {
    const int stride = head_.bottleneck().stride();
    for (int y = 0; y < height; ++y) {
        const float* from = work.out.data() + static_cast<std::size_t>(y) * width * stride;
        for (int x = 0; x < width; ++x, from += stride)
            for (int c = 0; c < 4; ++c) *planes_[c].at(y, x) = from[c];
        for (int x = 0; x < width; x += kLanes) {
            __m512 value[4], variance = _mm512_set1_ps(head_.epsilon_);
            for (int c = 0; c < 4; ++c) {
                value[c] = _mm512_loadu_ps(planes_[c].at(y, x));
                variance = _mm512_fmadd_ps(_mm512_mul_ps(value[c], value[c]), _mm512_set1_ps(0.25f), variance);
            }
            const __m512 spread = rsqrt(variance);
            for (int c = 0; c < 4; ++c) value[c] = _mm512_mul_ps(value[c], spread);
            for (int c = 0; c < 4; ++c) {
                __m512 mixed = _mm512_set1_ps(head_.mix_bias_.data()[c]);
                for (int i = 0; i < 4; ++i)
                    mixed = _mm512_fmadd_ps(value[i], _mm512_set1_ps(head_.mix_.data()[i * 4 + c]), mixed);
                _mm512_storeu_ps(planes_[c].at(y, x), gelu(mixed));
            }
        }
    }
}

void PositionHead::heat() {
    const __m512i low = _mm512_set_epi32(23, 7, 22, 6, 21, 5, 20, 4, 19, 3, 18, 2, 17, 1, 16, 0);
    const __m512i high = _mm512_set_epi32(31, 15, 30, 14, 29, 13, 28, 12, 27, 11, 26, 10, 25, 9, 24, 8);
    for (int y = 0; y < planes_[0].height(); ++y)
        for (int x = 0; x < planes_[0].width(); x += kLanes) {
            __m512 sum[4];
            for (__m512& one : sum) one = _mm512_set1_ps(head_.out_bias_.data()[0]);
            for (int pixel = 0; pixel < 9; ++pixel)
                for (int c = 0; c < 4; ++c) {
                    const __m512 value = _mm512_loadu_ps(planes_[c].at(y + pixel / 3 - 1, x + pixel % 3 - 1));
                    for (int sub = 0; sub < 4; ++sub)
                        sum[sub] = _mm512_fmadd_ps(value, _mm512_set1_ps(head_.out_.data()[(sub * 9 + pixel) * 4 + c]), sum[sub]);
                }
            for (int line = 0; line < 2; ++line) {
                const __m512 even = sigmoid(sum[2 * line]), odd = sigmoid(sum[2 * line + 1]);
                _mm512_storeu_ps(heat_.at(2 * y + line, 2 * x), _mm512_permutex2var_ps(even, low, odd));
                _mm512_storeu_ps(heat_.at(2 * y + line, 2 * x) + kLanes, _mm512_permutex2var_ps(even, high, odd));
            }
        }
}

void PositionHead::blur() {
    for (int y = 0; y < heat_.height(); ++y)
        for (int x = 0; x < heat_.width(); x += kLanes) {
            __m512 sum = _mm512_setzero_ps();
            for (int tap = 0; tap < 25; ++tap)
                sum = _mm512_fmadd_ps(_mm512_loadu_ps(heat_.at(y + tap / 5 - 2, x + tap % 5 - 2)),
                                      _mm512_set1_ps(blur_.data()[tap]), sum);
            _mm512_storeu_ps(blurred_.at(y, x), sum);
        }
}

}  // namespace limen::leader
