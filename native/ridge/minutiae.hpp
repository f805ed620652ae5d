// Minutiae in the form that the comparator works on.
#pragma once

#include <cstddef>
#include <cstdint>
#include <vector>

namespace limen::ridge {

constexpr int kMaxMinutiae = 4096;          // limen.ridge.template.MAX_MINUTIAE
constexpr int kLanes = 16;                  // arrays are padded to whole AVX-512 registers of 32-bit values
constexpr float kFar = 1e6f;                // padding lies here, pixels: pairs with nothing
constexpr float kTurn = 65536.0f;           // angles are int32 in [0, 65536), a full turn; differences wrap in 16 bits
constexpr float kPi = 3.14159265358979f;
constexpr int kMaxHull = 24;                // a convex hull keeps at most this many edges (support directions)

// One print. Coordinates in pixels at 500 ppi with y upwards, so that angles are counter-clockwise as seen.
struct Minutiae {
  int n = 0;
  int padded = 0;
  int width = 0, height = 0, position = 0, quality = 255;
  std::vector<float> x, y;
  std::vector<std::int32_t> angle;
  std::vector<float> cosine, sine;          // of angle
  std::vector<float> weight;                // minutia quality, 0-1
  std::vector<std::int32_t> kind;
  std::vector<std::uint64_t> low, high;     // halves of the 128-bit local structure codes
  float hull[kMaxHull];                     // support of the minutiae's hull in direction k * 2 pi / kMaxHull, pixels

  Minutiae() = default;
  Minutiae(Minutiae&&) = default;
  Minutiae& operator=(Minutiae&&) = default;
  ~Minutiae();  // overwrites: a probe must leave nothing behind

  void resize(int count);
  // The i-th minutia, from a template's fields: pixels from the top left, angle in 65536ths of a turn, quality 0-100.
  void set(int i, float left, float top, std::uint16_t turn, int its_kind, int its_quality);
  void outline();  // hull, from x and y
};

// Read `RidgeTemplate.pack()` bytes. Throws std::invalid_argument if size or any field is out of range.
void read_template(const std::uint8_t* data, std::size_t size, Minutiae& out);

// Fill the codes, from x, y, angle and weight.
void describe(Minutiae& print);

// The real-valued local structures behind the codes: n rows of kStructure floats (for training and tests).
constexpr int kStructure = 312;
void local_structures(const Minutiae& print, float* rows);

}  // namespace limen::ridge
