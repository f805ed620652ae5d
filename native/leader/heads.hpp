// From the last map to minutiae: where they are, densely; their direction and kind only where they are.
#pragma once

#include <vector>

#include "blocks.hpp"

namespace limen::leader {

/// A minutia in pixels of the image from the top left.
struct Minutia {
    float x, y;         // the pixel, whole
    float shift_x, shift_y;  // from there to the peak of the heat map, -1/2 to 1/2
    float angle;        // radians in [-pi, pi], counter-clockwise, y up
    float ending;       // 0 bifurcation to 1 ending
    float sure;         // 0-1
};

/// What the three heads share: a bottleneck down to four channels, their normalisation and mixing.
class Head {
  public:
    Head(const Arrays& arrays, const std::string& name, int outputs);
    const Bottleneck& bottleneck() const { return bottleneck_; }
    /// Four channels of a pixel, as the bottleneck leaves them, to the four that the last convolution reads.
    void mix(float* values) const;
    /// The last convolution on 3x3 pixels of half resolution (rows of four channels), for one of their four subpixels.
    void finish(const float* pixels, int sub_y, int sub_x, float* out) const;

  private:
    friend class PositionHead;
    Bottleneck bottleneck_;
    int outputs_;
    float epsilon_;
    Buffer<float> mix_, mix_bias_, out_bias_;
    Buffer<float> out_;  // (subpixel, 9 pixels, 4 channels, outputs): 5x5 on doubled pixels is 3x3 on single ones
};

/// The position head on a whole image: peaks of its blurred heat map.
class PositionHead {
  public:
    explicit PositionHead(const Arrays& arrays);
    /// Minutiae whose sureness is at least `threshold`, without angle and kind, row by row.
    std::vector<Minutia> run(const Map<std::uint16_t>& in, float threshold, Workspace& work);

  private:
    void planes(const Workspace& work, int height, int width);
    void heat();
    void blur();

    Head head_;
    Buffer<float> blur_;
    Map<float> planes_[4], heat_, blurred_;
};

}  // namespace limen::leader
