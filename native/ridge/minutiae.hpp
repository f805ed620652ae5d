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

// One minutia as a template has it, without rounding, and half of its code.
struct Row {
  static constexpr float kSubpixel = 4.0f;  // limen.ridge.template.SUBPIXEL
  std::uint64_t high;
  std::uint16_t x, y, angle;                // quarter pixels from the top left; 65536 to a turn
  std::uint8_t kind, quality;               // quality 1-100: one that is not stated has the weight's
  float left() const { return x / kSubpixel; }
  float up() const { return -(y / kSubpixel); }
  float weight() const { return quality / 100.0f; }
};
static_assert(sizeof(Row) == 16);

// Minutiae in some order as rows, and the other halves of their codes.
void write_rows(const Minutiae& print, const std::vector<int>& order, Row* rows, std::uint64_t* low);

// Read `RidgeTemplate.pack()` bytes. Throws std::invalid_argument if size or any field is out of range.
void read_template(const std::uint8_t* data, std::size_t size, Minutiae& out);

// Fill the codes, from x, y, angle and weight.
void describe(Minutiae& print);

// A stored print: a packed template, and behind it its codes, made earlier (limen.ridge.stored). Little-endian:
//   tag uint32 (of what made them) | views uint16 | each view: minutiae n uint16, their rows n x uint16, codes n x 16 bytes
// A view's rows stand in the order of an index's blocks (`block_order`).
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

// A view of a stored print, borrowed from its bytes, which were checked.
struct StoredView {
  const std::uint8_t *minutiae, *rows, *codes;
  int n;
  void write(Row* to, std::uint64_t* low) const;  // n of each
};
// The views of a stored print; none if it has no codes, or another release's. Returns how many bytes its template has.
// Throws std::invalid_argument if it is none.
std::size_t read_stored(const std::uint8_t* data, std::size_t size, std::vector<StoredView>& views);

// The real-valued local structures behind the codes: n rows of kStructure floats (for training and tests).
constexpr int kStructure = 312;
void local_structures(const Minutiae& print, float* rows);

}  // namespace limen::ridge
