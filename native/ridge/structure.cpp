// Local structures: what surrounds a minutia, in its own frame, as 128 bits.
//
// After Cappelli, Ferrara, Maltoni, "Minutia Cylinder-Code" (IEEE TPAMI 32(12), 2010): cells of a disc around the
// minutia, each with six directions, collect the neighbours by Gaussian weights. Unlike there, the bits are signs of
// learned projections (structure_weights.hpp), so that 128 of them say what 312 cells do.
#include <algorithm>
#include <cmath>
#include <vector>

#include "ridge/minutiae.hpp"
#include "ridge/structure_weights.hpp"

namespace limen::ridge {

namespace {

constexpr float kRadius = 75.0f;          // pixels, the disc's radius: about 8 ridges
constexpr int kGrid = 8;                  // cells along the disc's diameter
constexpr int kDirections = 6;
constexpr float kSigma = 14.0f;           // pixels, spread of a neighbour over cells: skin distortion at this distance
constexpr float kSigmaDirection = 0.70f;  // radians, spread over directions: 2 pi / 9
constexpr int kMaxCells = kGrid * kGrid;

struct Cells {
  int count = 0;
  float x[kMaxCells], y[kMaxCells];
  Cells() {
    const float step = 2 * kRadius / kGrid;
    for (int row = 0; row < kGrid; ++row)
      for (int column = 0; column < kGrid; ++column) {
        const float cx = (column - (kGrid - 1) / 2.0f) * step, cy = (row - (kGrid - 1) / 2.0f) * step;
        if (cx * cx + cy * cy <= kRadius * kRadius) x[count] = cx, y[count] = cy, ++count;
      }
  }
};

const Cells kCells;
static_assert(kStructure == 52 * kDirections);

void one_structure(const Minutiae& print, int centre, float* row) {
  std::fill(row, row + kStructure, 0.0f);
  const float turn = 2 * kPi / kTurn;
  const float a = print.angle[centre] * turn, c = std::cos(a), s = std::sin(a);
  const float reach = kRadius + 2.5f * kSigma;
  const float scale = -1.0f / (2 * kSigma * kSigma), scale_direction = -1.0f / (2 * kSigmaDirection * kSigmaDirection);
  for (int k = 0; k < print.n; ++k) {
    const float dx = print.x[k] - print.x[centre], dy = print.y[k] - print.y[centre];
    if (k == centre || dx * dx + dy * dy > reach * reach) continue;
    const float u = c * dx + s * dy, v = -s * dx + c * dy;
    const float delta = static_cast<std::int16_t>(print.angle[k] - print.angle[centre]) * turn;
    float direction[kDirections];
    for (int d = 0; d < kDirections; ++d) {
      float e = delta - (d + 0.5f) * 2 * kPi / kDirections;
      e -= 2 * kPi * std::floor(e / (2 * kPi) + 0.5f);
      direction[d] = std::exp(scale_direction * e * e) * print.weight[k];
    }
    for (int cell = 0; cell < kCells.count; ++cell) {
      const float ex = u - kCells.x[cell], ey = v - kCells.y[cell], square = ex * ex + ey * ey;
      if (square > 9 * kSigma * kSigma) continue;
      const float near = std::exp(scale * square);
      for (int d = 0; d < kDirections; ++d) row[cell * kDirections + d] += near * direction[d];
    }
  }
}

}  // namespace

void local_structures(const Minutiae& print, float* rows) {
  for (int i = 0; i < print.n; ++i) one_structure(print, i, rows + static_cast<std::size_t>(i) * kStructure);
}

void describe(Minutiae& print) {
  float row[kStructure];
  for (int i = 0; i < print.n; ++i) {
    one_structure(print, i, row);
    float sums[128];
    for (int bit = 0; bit < 128; ++bit) sums[bit] = weights::kOffset[bit];
    for (int cell = 0; cell < kStructure; ++cell) {
      if (row[cell] == 0.0f) continue;
      for (int bit = 0; bit < 128; ++bit) sums[bit] += row[cell] * weights::kProjection[cell][bit];
    }
    std::uint64_t low = 0, high = 0;
    for (int bit = 0; bit < 64; ++bit) {
      low |= static_cast<std::uint64_t>(sums[bit] > 0) << bit;
      high |= static_cast<std::uint64_t>(sums[bit + 64] > 0) << bit;
    }
    print.low[i] = low, print.high[i] = high;
  }
  for (int k = 0; k < kMaxHull; ++k) {
    const float c = std::cos(2 * kPi * k / kMaxHull), s = std::sin(2 * kPi * k / kMaxHull);
    float most = -4 * kFar;
    for (int i = 0; i < print.n; ++i) most = std::max(most, c * print.x[i] + s * print.y[i]);
    print.hull[k] = most;
  }
}

}  // namespace limen::ridge
