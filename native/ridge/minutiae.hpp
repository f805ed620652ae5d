// Minutiae in the form that the comparator works on.
#pragma once

#include <cstddef>
#include <cstdint>
#include <vector>

namespace limen::ridge {

constexpr int kMaxMinutiae = 4096;          // limen.ridge.template.MAX_MINUTIAE
constexpr std::size_t kMaxViews = 256;      // of a print: a palm of 1.6 m2 in parts
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
  void copy(int i, const Minutiae& other, int k);  // the k-th minutia of another print, without its codes
  void outline();                                  // hull, from x and y
};

// Read `RidgeTemplate.pack()` bytes. Throws std::invalid_argument if size or any field is out of range.
void read_template(const std::uint8_t* data, std::size_t size, Minutiae& out);

// Fill the codes, from x, y, angle and weight.
void describe(Minutiae& print);

// A stored print: a packed template, and behind it its codes, made earlier (limen.ridge.stored). Little-endian:
//   tag uint32 (of what made them) | views uint16 | each view: minutiae n uint16, their rows n x uint16, codes n x 16 bytes
std::uint32_t codes_tag();
std::vector<std::uint8_t> write_codes(const std::vector<Minutiae>& views, const std::vector<std::vector<std::uint16_t>>& rows);
Minutiae view_of(const Minutiae& print, const std::vector<std::uint16_t>& rows);  // without codes

// When a print is compared as it is, and not by views of it (limen.ridge.views, which gives the numbers).
struct WholeRule {
  int large, enough, mostly, few, clear;
};
bool is_whole(const std::uint8_t* data, std::size_t size, const WholeRule& rule);
// How many minutiae of a packed template have at least this quality, or none stated.
int count_clear(const std::uint8_t* data, std::size_t size, int clear);

// The views of a stored print, with their codes; made anew if they are missing or another release's. How many views; 0 if
// it has no codes that serve and is not whole. Reuses `out`, which never shrinks; their outlines are not set. Throws std::invalid_argument if it is none.
std::size_t read_stored(const std::uint8_t* data, std::size_t size, const WholeRule& rule, std::vector<Minutiae>& out);

// The real-valued local structures behind the codes: n rows of kStructure floats (for training and tests).
constexpr int kStructure = 312;
void local_structures(const Minutiae& print, float* rows);

}  // namespace limen::ridge
