// Local structures: what surrounds a minutia, in its own frame, as 128 bits.
//
// After Cappelli, Ferrara, Maltoni, "Minutia Cylinder-Code" (IEEE TPAMI 32(12), 2010): cells of a disc around the
// minutia, each with six directions, collect the neighbours by Gaussian weights. Unlike there, the bits are signs of
// learned projections (structure_weights.hpp), so that 128 of them say what 312 cells do.
#include "ridge/structure.hpp"

#include <algorithm>
#include <cmath>
#include <cstring>

#include "ridge/structure_weights.hpp"

namespace limen::ridge {

Tables::Tables() {
  const float step = 2 * kRadius / kGrid;
  for (int k = 0; k < 2 * kGrid; ++k) middle[k] = (static_cast<float>(k % kGrid) - (kGrid - 1) / 2.0f) * step;
  for (int row = 0; row < kGrid; ++row) {
    first[row] = kGrid, count[row] = 0;
    for (int column = 0; column < kGrid; ++column)
      if (middle[row] * middle[row] + middle[column] * middle[column] <= kRadius * kRadius)
        first[row] = std::min(first[row], column), ++count[row];
  }
  int k = 0;
  for (float& value : near) {
    const float d = (static_cast<float>(k++) + 0.5f) / kFine;
    value = std::exp(-d * d / (2 * kSigma * kSigma));
  }
  for (int a = 0; a < 256; ++a)
    for (int d = 0; d < 8; ++d) {
      float e = (static_cast<float>(a) + 0.5f) * 2 * kPi / 256 - (static_cast<float>(d) + 0.5f) * 2 * kPi / kDirections;
      e -= 2 * kPi * std::floor(e / (2 * kPi) + 0.5f);
      direction[a][d] = d < kDirections ? std::exp(-e * e / (2 * kSigmaDirection * kSigmaDirection)) : 0.0f;
    }
}

const Tables kTables;

const Structures& structures(Level level) {
  switch (std::min(level, best_level())) {
    case Level::avx512: return avx512::kStructures;
    case Level::avx2: return avx2::kStructures;
    default: return plain::kStructures;
  }
}

void describe(Minutiae& print) {
  static const DescribeFunction describe_all = structures(best_level()).describe;
  describe_all(view(print), print.low.data(), print.high.data());
}

// FNV-1a (Fowler, Noll, Vo) of what the codes depend on, and of how they are laid out.
std::uint32_t codes_tag() {
  static const std::uint32_t tag = [] {
    std::uint32_t hash = 2166136261u;
    auto add = [&](const void* data, std::size_t size) {
      for (std::size_t k = 0; k < size; ++k) hash = (hash ^ static_cast<const std::uint8_t*>(data)[k]) * 16777619u;
    };
    constexpr std::uint8_t kLayout = 2;  // rows in the order of blocks
    add(&kLayout, sizeof kLayout);
    constexpr float kConstants[] = {kRadius, kSigma, kSigmaDirection, kReach, kLeast, kMostNeighbours};
    add(kConstants, sizeof kConstants);
    add(weights::kProjection, sizeof weights::kProjection);
    add(weights::kOffset, sizeof weights::kOffset);
    return hash;
  }();
  return tag;
}

void local_structures(const Minutiae& print, float* rows) {
  float cells[kDirections * kPlaces];
  for (int i = 0; i < print.n; ++i) {
    structures(best_level()).surround(view(print), i, cells);
    for (int row = 0; row < kGrid; ++row)
      for (int k = 0; k < kTables.count[row]; ++k)
        for (int d = 0; d < kDirections; ++d) *rows++ = cells[d * kPlaces + row * kGrid + kTables.first[row] + k];
  }
  explicit_bzero(cells, sizeof cells);
}

}  // namespace limen::ridge
