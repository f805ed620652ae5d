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

std::uint16_t u16(const std::uint8_t* p) { return static_cast<std::uint16_t>(p[0] | p[1] << 8); }

}  // namespace

Minutiae::~Minutiae() {
  auto wipe = [](auto& values) { explicit_bzero(values.data(), values.size() * sizeof(values[0])); };
  wipe(x), wipe(y), wipe(angle), wipe(cosine), wipe(sine), wipe(weight), wipe(kind), wipe(low), wipe(high);
  explicit_bzero(hull, sizeof hull);
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
    out.x[i] = x;
    out.y[i] = -y;
    out.angle[i] = u16(row + 4);
    out.cosine[i] = std::cos(out.angle[i] * (2 * kPi / kTurn));
    out.sine[i] = std::sin(out.angle[i] * (2 * kPi / kTurn));
    out.kind[i] = row[6];
    out.weight[i] = row[7] / 100.0f;
  }
}

}  // namespace limen::ridge
