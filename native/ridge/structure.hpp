// Local structure codes: what surrounds a minutia, as cells and as bits.
#pragma once

#include <cstdint>

#include "ridge/comparator.hpp"
#include "ridge/minutiae.hpp"

namespace limen::ridge {

constexpr float kRadius = 75.0f;          // pixels, the disc's radius: about 8 ridges
constexpr int kGrid = 8;                  // cells along the disc's diameter
constexpr int kDirections = 6;
constexpr int kPlaces = kGrid * kGrid;    // cells of the square about the disc, row after row
constexpr int kInside = 52;               // of them in the disc
constexpr float kSigma = 14.0f;           // pixels, spread of a neighbour over cells: skin distortion at this distance
constexpr float kSigmaDirection = 0.70f;  // radians, spread over directions: 2 pi / 9
constexpr float kReach = kRadius + 2.5f * kSigma;
constexpr float kLeast = 0.0111f;         // exp(-4.5): a neighbour three sigmas from a cell does not count
constexpr int kMostNeighbours = 96;       // a finger has 30 within reach at most; bounds the time that a heap takes
static_assert(kStructure == kInside * kDirections);

// Everything about cells that does not depend on the print.
struct Tables {
  static constexpr int kFine = 4;                                 // steps a pixel of the Gaussian
  static constexpr int kSteps = static_cast<int>(3 * kSigma) * kFine + 2;
  alignas(64) float middle[2 * kGrid];                            // of a row or column, pixels; twice
  float near[kSteps];
  alignas(64) float direction[256][8];                            // by difference of angles in 256ths of a turn; padded
  int first[kGrid], count[kGrid];                                 // cells of each row that lie in the disc
  Tables();
};
extern const Tables kTables;

// What lies around one minutia: of each direction kPlaces cells, 1 for a sure neighbour at a cell's middle.
using SurroundFunction = void (*)(const View& print, int centre, float* cells);
// 128 bits a minutia: signs of projections of the cells, in whole numbers.
using DescribeFunction = void (*)(const View& print, std::uint64_t* low, std::uint64_t* high);
// For each minutia (and up to `padded`), the weight of the others within `radius` pixels.
using CrowdFunction = void (*)(const View& print, float radius, float* crowd);

struct Structures {
  SurroundFunction surround;
  DescribeFunction describe;
  CrowdFunction crowd;
};
const Structures& structures(Level level);

namespace plain { extern const Structures kStructures; }
namespace avx2 { extern const Structures kStructures; }
namespace avx512 { extern const Structures kStructures; }

}  // namespace limen::ridge
