// Local structures: what surrounds a minutia, in its own frame, as 128 bits.
//
// After Cappelli, Ferrara, Maltoni, "Minutia Cylinder-Code" (IEEE TPAMI 32(12), 2010): cells of a disc around the
// minutia, each with six directions, collect the neighbours by Gaussian weights. Unlike there, the bits are signs of
// learned projections (structure_weights.hpp), so that 128 of them say what 312 cells do.
#include "ridge/structure.hpp"

#include <algorithm>
#include <cmath>
#include <cstring>
#include <vector>

#include "ridge/comparator.hpp"
#include "ridge/structure_weights.hpp"

namespace limen::ridge {

namespace {

constexpr float kRadius = 75.0f;          // pixels, the disc's radius: about 8 ridges
constexpr int kGrid = 8;                  // cells along the disc's diameter
constexpr int kDirections = 6;
constexpr float kSigma = 14.0f;           // pixels, spread of a neighbour over cells: skin distortion at this distance
constexpr float kSigmaDirection = 0.70f;  // radians, spread over directions: 2 pi / 9
constexpr float kReach = kRadius + 2.5f * kSigma;
constexpr float kLeast = 0.0111f;         // exp(-4.5): a neighbour three sigmas from a cell does not count
constexpr int kMostNeighbours = 96;       // a finger has 30 within reach at most; bounds the time that a heap takes
constexpr float kUnit = 64.0f;            // a cell's value in whole numbers: one sure neighbour at its middle

// Everything about cells that does not depend on the print.
struct Tables {
  static constexpr int kFine = 4;         // steps a pixel of the Gaussian
  float middle[kGrid];                    // of a row or column, pixels
  int cell[kGrid][kGrid];                 // number of a cell, -1 outside the disc
  float near[static_cast<int>(3 * kSigma) * kFine + 2];
  float direction[256][kDirections];      // by difference of angles in 256ths of a turn
  Tables() {
    const float step = 2 * kRadius / kGrid;
    for (int k = 0; k < kGrid; ++k) middle[k] = (static_cast<float>(k) - (kGrid - 1) / 2.0f) * step;
    int count = 0;
    for (int row = 0; row < kGrid; ++row)
      for (int column = 0; column < kGrid; ++column) {
        const bool in = middle[row] * middle[row] + middle[column] * middle[column] <= kRadius * kRadius;
        cell[row][column] = in ? count++ : -1;
      }
    int k = 0;
    for (float& value : near) {
      const float d = (static_cast<float>(k++) + 0.5f) / kFine;
      value = std::exp(-d * d / (2 * kSigma * kSigma));
    }
    for (int a = 0; a < 256; ++a)
      for (int d = 0; d < kDirections; ++d) {
        float e = (static_cast<float>(a) + 0.5f) * 2 * kPi / 256 - (static_cast<float>(d) + 0.5f) * 2 * kPi / kDirections;
        e -= 2 * kPi * std::floor(e / (2 * kPi) + 0.5f);
        direction[a][d] = std::exp(-e * e / (2 * kSigmaDirection * kSigmaDirection));
      }
  }
  float at(float distance) const {
    const int k = static_cast<int>(std::fabs(distance) * kFine);
    return k < static_cast<int>(std::size(near)) ? near[k] : 0.0f;
  }
};

const Tables kTables;
static_assert(kStructure == 52 * kDirections);

void one_structure(const Minutiae& print, int centre, float* row) {
  std::fill(row, row + kStructure, 0.0f);
  const float c = print.cosine[centre], s = print.sine[centre];
  int neighbours = 0;
  for (int k = 0; k < print.n && neighbours < kMostNeighbours; ++k) {
    const float dx = print.x[k] - print.x[centre], dy = print.y[k] - print.y[centre];
    if (k == centre || dx * dx + dy * dy > kReach * kReach) continue;
    ++neighbours;
    const float u = c * dx + s * dy, v = -s * dx + c * dy;
    const auto delta = static_cast<std::uint16_t>(print.angle[k] - print.angle[centre]);
    float direction[kDirections], across[kGrid], along[kGrid];
    for (int d = 0; d < kDirections; ++d) direction[d] = kTables.direction[delta >> 8][d] * print.weight[k];
    for (int g = 0; g < kGrid; ++g) across[g] = kTables.at(u - kTables.middle[g]), along[g] = kTables.at(v - kTables.middle[g]);
    for (int g = 0; g < kGrid; ++g) {
      if (along[g] < kLeast) continue;
      for (int h = 0; h < kGrid; ++h) {
        const float near = along[g] * across[h];
        const int cell = kTables.cell[g][h];
        if (near < kLeast || cell < 0) continue;
        for (int d = 0; d < kDirections; ++d) row[cell * kDirections + d] += near * direction[d];
      }
    }
  }
}

}  // namespace

void local_structures(const Minutiae& print, float* rows) {
  for (int i = 0; i < print.n; ++i) one_structure(print, i, rows + static_cast<std::size_t>(i) * kStructure);
}

void describe(Minutiae& print) {
  static const ProjectFunction project = projector(best_level());
  float row[kStructure];
  alignas(64) std::uint8_t cells[kStructure];
  for (int i = 0; i < print.n; ++i) {
    one_structure(print, i, row);
    for (int k = 0; k < kStructure; ++k) cells[k] = static_cast<std::uint8_t>(std::min(row[k] * kUnit + 0.5f, 255.0f));
    project(cells, print.low[i], print.high[i]);
  }
  explicit_bzero(row, sizeof row);
  explicit_bzero(cells, sizeof cells);
}

ProjectFunction projector(Level level) {
  switch (std::min(level, best_level())) {
    case Level::avx512: return avx512::project;
    case Level::avx2: return avx2::project;
    default: return plain::project;
  }
}

}  // namespace limen::ridge
