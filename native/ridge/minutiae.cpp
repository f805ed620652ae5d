// Packed templates (limen.ridge.template) to the comparator's arrays.
#include "ridge/minutiae.hpp"

#include <cmath>
#include <cstring>
#include <stdexcept>

namespace limen::ridge {

namespace {

constexpr std::size_t kHead = 24, kRow = 8;  // bytes of header and minutia in RidgeTemplate.pack()
constexpr float kSubpixel = 4.0f;            // quarter pixels
constexpr int kMaxSide = 0xFFFF / 4;

constexpr float kUnstated = 0.7f;            // weight of a minutia whose quality is 0, "not reported" in ISO/IEC 19794-2

// Sines of 4096 steps of a turn: finer than minutiae's directions are known.
struct Sines {
  float of[4096];
  Sines() {
    for (int k = 0; k < 4096; ++k) of[k] = static_cast<float>(std::sin(2 * 3.14159265358979323846 * k / 4096));
  }
};
const Sines kSines;

// Directions of the hull's supports.
struct Supports {
  float c[kMaxHull], s[kMaxHull];
  Supports() {
    for (int k = 0; k < kMaxHull; ++k)
      c[k] = std::cos(2 * kPi * k / kMaxHull), s[k] = std::sin(2 * kPi * k / kMaxHull);
  }
};
const Supports kSupports;

std::uint16_t u16(const std::uint8_t* p) { return static_cast<std::uint16_t>(p[0] | p[1] << 8); }

}  // namespace

Minutiae::~Minutiae() {
  auto wipe = [](auto& values) {
    if (!values.empty()) explicit_bzero(values.data(), values.size() * sizeof(values[0]));
  };
  wipe(x), wipe(y), wipe(angle), wipe(cosine), wipe(sine), wipe(weight), wipe(kind), wipe(low), wipe(high);
  explicit_bzero(hull, sizeof hull);
}

void Minutiae::set(int i, float left, float top, std::uint16_t turn, int its_kind, int its_quality) {
  x[i] = left, y[i] = -top;
  angle[i] = turn;
  sine[i] = kSines.of[turn >> 4];
  cosine[i] = kSines.of[((turn >> 4) + 1024) & 4095];
  kind[i] = its_kind;
  weight[i] = its_quality == 0 ? kUnstated : its_quality / 100.0f;
}

void Minutiae::outline() {
  for (float& support : hull) support = -4 * kFar;
  for (int i = 0; i < n; ++i)
    for (int k = 0; k < kMaxHull; ++k) {
      const float reach = kSupports.c[k] * x[i] + kSupports.s[k] * y[i];
      hull[k] = reach > hull[k] ? reach : hull[k];
    }
}

void Minutiae::resize(int count) {
  n = count;
  padded = (count + kLanes - 1) / kLanes * kLanes;
  x.assign(padded, kFar);
  y.assign(padded, kFar);
  angle.assign(padded, 0);
  cosine.assign(padded, 1.0f);
  sine.assign(padded, 0.0f);
  weight.assign(padded, 0.0f);
  kind.assign(padded, 3);
  low.assign(padded, 0);
  high.assign(padded, 0);
}

void read_template(const std::uint8_t* data, std::size_t size, Minutiae& out) {
  if (size < kHead) throw std::invalid_argument("A minutiae template is shorter than its header.");
  const int count = u16(data + 18), width = u16(data + 20), height = u16(data + 22);
  if (count > kMaxMinutiae || size != kHead + kRow * count)
    throw std::invalid_argument("A minutiae template's size does not fit its count.");
  if (width < 1 || width > kMaxSide || height < 1 || height > kMaxSide || (data[17] > 100 && data[17] != 255))
    throw std::invalid_argument("A minutiae template's header is out of range.");
  out.resize(count);
  out.width = width, out.height = height, out.position = data[16], out.quality = data[17];
  for (int i = 0; i < count; ++i) {
    const std::uint8_t* row = data + kHead + kRow * i;
    const float x = u16(row) / kSubpixel, y = u16(row + 2) / kSubpixel;
    if (x > width || y > height || row[6] > 2 || row[7] > 100)
      throw std::invalid_argument("A minutia lies outside its image or has an unknown kind.");
    out.set(i, x, y, u16(row + 4), row[6], row[7]);
  }
  out.outline();
}

}  // namespace limen::ridge
