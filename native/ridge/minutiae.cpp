// Packed templates (limen.ridge.template) to the comparator's arrays.
#include "ridge/minutiae.hpp"

#include <algorithm>
#include <cmath>
#include <cstring>
#include <stdexcept>
#include <utility>

#include "ridge/scan.hpp"

namespace limen::ridge {

namespace {

constexpr std::size_t kHead = 24, kRow = 8;  // bytes of header and minutia in RidgeTemplate.pack()
constexpr int kQuarters = 4;                 // of a pixel, in which minutiae are placed
constexpr int kMaxSide = 0xFFFF / kQuarters;

constexpr int kUnstated = 70;                // of a minutia whose quality is 0, "not reported" in ISO/IEC 19794-2

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
  weight[i] = (its_quality == 0 ? kUnstated : its_quality) / 100.0f;
}

void Minutiae::copy(int i, const Minutiae& other, int k) {
  x[i] = other.x[k], y[i] = other.y[k], angle[i] = other.angle[k], cosine[i] = other.cosine[k], sine[i] = other.sine[k];
  kind[i] = other.kind[k], weight[i] = other.weight[k];
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

void write_rows(const Minutiae& print, const std::vector<int>& order, Row* rows, std::uint64_t* low) {
  for (std::size_t k = 0; k < order.size(); ++k) {
    const int i = order[k];
    rows[k] = {print.high[i],
               static_cast<std::uint16_t>(std::lrint(print.x[i] * Row::kSubpixel)),
               static_cast<std::uint16_t>(std::lrint(-print.y[i] * Row::kSubpixel)),
               static_cast<std::uint16_t>(print.angle[i]),
               static_cast<std::uint8_t>(print.kind[i]),
               static_cast<std::uint8_t>(std::lrint(print.weight[i] * 100))};
    low[k] = print.low[i];
  }
}

namespace {

// How many minutiae a packed template has. Throws if its size or any field is out of range.
int check_template(const std::uint8_t* data, std::size_t size) {
  if (size < kHead) throw std::invalid_argument("A minutiae template is shorter than its header.");
  const int count = u16(data + 18), width = u16(data + 20), height = u16(data + 22);
  if (count > kMaxMinutiae || size != kHead + kRow * count)
    throw std::invalid_argument("A minutiae template's size does not fit its count.");
  if (width < 1 || width > kMaxSide || height < 1 || height > kMaxSide || (data[17] > 100 && data[17] != 255))
    throw std::invalid_argument("A minutiae template's header is out of range.");
  bool outside = false;
  for (const std::uint8_t* row = data + kHead; row != data + size; row += kRow)
    outside |= (u16(row) > kQuarters * width) | (u16(row + 2) > kQuarters * height) | (row[6] > 2) | (row[7] > 100);
  if (outside) throw std::invalid_argument("A minutia lies outside its image or has an unknown kind.");
  return count;
}

void read_rows(const std::uint8_t* data, std::size_t size, Minutiae& out) {
  out.resize(check_template(data, size));
  out.width = u16(data + 20), out.height = u16(data + 22), out.position = data[16], out.quality = data[17];
  for (int i = 0; i < out.n; ++i) {
    const std::uint8_t* row = data + kHead + kRow * i;
    out.set(i, u16(row) / Row::kSubpixel, u16(row + 2) / Row::kSubpixel, u16(row + 4), row[6], row[7]);
  }
}

}  // namespace

void read_template(const std::uint8_t* data, std::size_t size, Minutiae& out) {
  read_rows(data, size, out);
  out.outline();
}

namespace {

constexpr std::size_t kCode = 16;  // bytes

template <class T>
void append(std::vector<std::uint8_t>& out, T value) {
  const auto* bytes = reinterpret_cast<const std::uint8_t*>(&value);
  out.insert(out.end(), bytes, bytes + sizeof value);
}

// Reads what follows a template; never beyond its end.
struct Rest {
  const std::uint8_t *at, *end;
  const std::uint8_t* take(std::size_t count) {
    if (static_cast<std::size_t>(end - at) < count) throw std::invalid_argument("What follows a minutiae template is cut short.");
    return std::exchange(at, at + count);
  }
};

}  // namespace

std::vector<std::uint8_t> write_codes(const std::vector<Minutiae>& views, const std::vector<std::vector<std::uint16_t>>& rows) {
  std::vector<std::uint8_t> out;
  append(out, codes_tag());
  append(out, static_cast<std::uint16_t>(views.size()));
  for (std::size_t v = 0; v < views.size(); ++v) {
    const std::vector<int> order = block_order(views[v]);
    append(out, static_cast<std::uint16_t>(views[v].n));
    for (const int i : order) append(out, rows[v][i]);
    for (const int i : order) append(out, views[v].low[i]), append(out, views[v].high[i]);
  }
  return out;
}

Minutiae view_of(const Minutiae& print, const std::vector<std::uint16_t>& rows) {
  Minutiae out;
  out.resize(static_cast<int>(rows.size()));
  for (std::size_t k = 0; k < rows.size(); ++k) out.copy(static_cast<int>(k), print, rows[k]);
  out.outline();
  return out;
}

std::size_t read_stored(const std::uint8_t* data, std::size_t size, std::vector<StoredView>& views) {
  views.clear();
  const std::size_t own = size < kHead ? size : std::min(size, kHead + kRow * u16(data + 18));
  const int all = check_template(data, own);
  Rest rest{data + own, data + size};
  std::uint32_t tag = 0;
  if (own < size) std::memcpy(&tag, rest.take(sizeof tag), sizeof tag);
  if (tag != codes_tag()) return own;
  const std::size_t count = u16(rest.take(2));
  if (count == 0 || count > kMaxViews) throw std::invalid_argument("A stored print has too many views, or none.");
  for (std::size_t v = 0; v < count; ++v) {
    const int n = u16(rest.take(2));
    if (n > all) throw std::invalid_argument("A stored print's view has more minutiae than the print.");
    const std::uint8_t* rows = rest.take(2 * static_cast<std::size_t>(n));
    const std::uint8_t* codes = rest.take(kCode * n);
    bool beyond = false;
    for (int k = 0; k < n; ++k) beyond |= u16(rows + 2 * k) >= all;
    if (beyond) throw std::invalid_argument("A stored print's view has a minutia that the print has not.");
    views.push_back({data + kHead, rows, codes, n});
  }
  if (rest.at != rest.end) throw std::invalid_argument("A stored print is longer than its views.");
  return own;
}

void StoredView::write(Row* to, std::uint64_t* low) const {
  for (int k = 0; k < n; ++k) {
    const std::uint8_t* from = minutiae + kRow * u16(rows + 2 * k);
    std::memcpy(&low[k], codes + kCode * k, 8);
    std::memcpy(&to[k].high, codes + kCode * k + 8, 8);
    std::memcpy(&to[k].x, from, kRow);
    if (to[k].quality == 0) to[k].quality = kUnstated;
  }
}

int count_clear(const std::uint8_t* data, std::size_t size, int clear) {
  int count = 0;
  const int n = size < kHead ? 0 : std::min<int>(u16(data + 18), static_cast<int>((size - kHead) / kRow));
  for (int i = 0; i < n; ++i) {
    const int quality = data[kHead + kRow * i + kRow - 1];
    count += quality >= clear || quality == 0;
  }
  return count;
}

bool is_whole(const std::uint8_t* data, std::size_t size, const WholeRule& rule) {
  if (size < kHead) return true;  // and no template; who reads it will say so
  const int n = u16(data + 18);
  return std::max(u16(data + 20), u16(data + 22)) <= rule.large && n <= rule.enough &&
         n <= rule.mostly * count_clear(data, size, rule.clear) + rule.few;
}

}  // namespace limen::ridge
