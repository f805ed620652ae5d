// SFace's layers: each a convolution, a bias and an activation with a slope of its own for each channel's negative side.
// Maps hold bfloat16, channels side by side, with one zero pixel around.
#pragma once

#include <cstdint>
#include <string>

#include "amx/arrays.hpp"

namespace limen::sface {

using namespace limen::amx;

inline constexpr int kSide = 112;    // pixels of a face's side
inline constexpr int kColours = 3;   // red, green, blue
inline constexpr int kPixels = 49;   // 7 x 7 pixels of the last map
inline constexpr int kWidest = 1024;  // channels of the widest layer

using Activations = Map<std::uint16_t>;

/// Bias and slopes of a layer's channels.
struct Bend {
    Bend(const Arrays& arrays, const std::string& name, int channels);
    Buffer<float> bias, slope;
};

/// First layer: 3x3 over three colours, as one product of 27 numbers a pixel.
class First {
  public:
    explicit First(const Arrays& arrays);
    int channels() const { return channels_; }
    /// `face`: uint8 (112, 112, 3). `rows`: room for 32 rows of 32.
    void run(const std::uint8_t* face, std::uint16_t* rows, Activations& out) const;

  private:
    Packed kernel_;
    Bend bend_;
    int channels_;
};

/// Depthwise 3x3 with a stride of 1 or 2, then 1x1.
class Separable {
  public:
    Separable(const Arrays& arrays, const std::string& name, int depth, int columns, int stride);
    int channels() const { return columns_; }
    int stride() const { return stride_; }
    /// `rows`: room for the pixels of `out`, rounded up to 32, times the channels of `in`.
    void run(const Activations& in, std::uint16_t* rows, Activations& out) const;

  private:
    int depth_, columns_, stride_;
    Buffer<float> taps_;  // for every 32 channels, nine times the even ones' sixteen and the odd ones'
    Bend depthwise_;      // in that order of channels
    Packed pointwise_;    // likewise its depth
    Bend bend_;
    void depthwise(const Activations& in, int height, int width, std::uint16_t* rows) const;
};

/// From the last map to the template: `Faces` of them at once read the weights, larger than any cache, once.
class Last {
  public:
    explicit Last(const Arrays& arrays, int channels);
    int size() const { return size_; }
    int length() const { return length_; }
    /// `in`: `count` times `length()` bfloat16, at most two; `out`: `count` times `size()`.
    void run(const std::uint16_t* in, int count, float* out) const;

  private:
    int size_, length_;
    Buffer<std::uint16_t> weights_;  // (size, length)
    Buffer<float> bias_;
};

}  // namespace limen::sface
