// The network's four kinds of layers. Each reads a map and writes plain rows (pixel after pixel, `stride()` floats
// each), or, where its result is only needed pooled, straight into the next maps.
#pragma once

#include <cstdint>
#include <string>

#include "amx/arrays.hpp"

namespace limen::leader {

using namespace limen::amx;

/// Intermediate memory, shared by all layers.
struct Workspace {
    Buffer<std::uint16_t> normalised, shortcut, hidden;
    Buffer<float> sums, out;
    /// Makes room for layers of at most `width` x `height` pixels at half resolution.
    void resize(int height, int width);

  private:
    int width_ = 0;
};

/// First layers of both U-Nets: 5x5 windows, dense and of every other pixel, normalisation, GELU.
class Stem {
  public:
    explicit Stem(const Arrays& arrays);
    /// `image`: bfloat16 grey levels, halo 4, even sides. `low`: 16 channels, the larger of 2x2 pixels; `high`: 32
    /// channels from channel 32 on, their mean. Both of half the sides.
    void run(const Map<std::uint16_t>& image, Map<float>& low, Map<std::uint16_t>& high) const;

  private:
    Packed kernel_;
    Buffer<float> bias_, scale_, shift_;
    float epsilon_;
};

/// Depthwise 5x5, 1x1, normalisation, GELU.
class Separable {
  public:
    Separable(const Arrays& arrays, const std::string& name);
    int channels() const { return columns_; }
    int stride() const { return pointwise_.blocks() * kColumns; }
    void run(const Map<float>& in, Workspace& work) const;

  private:
    int depth_, columns_;
    Packed pointwise_;
    Buffer<float> depthwise_, bias_, scale_, shift_;
    float epsilon_;
};

/// Three dilated 3x3 convolutions that decide how much of each channel of their input passes.
class Attention {
  public:
    explicit Attention(const Arrays& arrays);
    /// `in`: 32 channels, halo 6, width a multiple of 16. `out`: its first 32 channels.
    void run(const Map<std::uint16_t>& in, Map<std::uint16_t>& out) const;

  private:
    Packed kernel_, gate_;
    Buffer<float> bias_, gate_bias_;
};

/// Depthwise 7x7, normalisation, expansion to four times the channels, GELU, reduction, with a shortcut around.
class Bottleneck {
  public:
    Bottleneck(const Arrays& arrays, const std::string& name);
    int channels() const { return columns_; }
    int stride() const { return reduce_.blocks() * kColumns; }
    /// `in`: channels a multiple of 32, halo 3.
    void run(const Map<std::uint16_t>& in, Workspace& work) const;
    /// The same for the 3x3 pixels around each chosen one (y, x): nine rows of `stride()` floats each into `out`. They
    /// may lie a pixel outside of `in` if its halo is 4.
    void run_around(const Map<std::uint16_t>& in, const std::vector<std::pair<int, int>>& pixels, float* out,
                    Workspace& work) const;

  private:
    /// Eight pixels to the right of (y, x) into the workspace from row `row` on, and eight below them from row `below`
    /// on (-1: not).
    void normalise(const Map<std::uint16_t>& in, int y, int x, int row, int below, Workspace& work) const;
    /// 32 rows of the workspace from `row` on; `count` of them are written.
    void project(int row, int count, float* out, Workspace& work) const;

    int depth_, columns_, groups_;  // groups of 32 channels
    Packed expand_, reduce_, shortcut_;
    Buffer<float> depthwise_, expand_bias_, bias_;
    float epsilon_;
};

}  // namespace limen::leader
