// Choice of instruction set for the first stage, and what it reads.
#include "ridge/scan.hpp"

#include <algorithm>
#include <cmath>
#include <numeric>
#include <vector>

#include "ridge/structure.hpp"

namespace limen::ridge {

namespace {

// A finger of 50 minutiae has two blocks: with one, partial prints of its rim would be lost.
int block_count(int n) { return std::clamp((n - 9 + kBlock) / kBlock, 1, kMaxBlocks); }

// The minutiae's middle, pixels; sure ones weigh more.
struct Middle {
  float x = 0, y = 0, sum = 1e-6f;
  void add(float weight, float left, float up) { x += weight * left, y += weight * up, sum += weight; }
  void end() { x /= sum, y /= sum; }
};

}  // namespace

// Sure ones that lie well inside (their surroundings are whole).
std::vector<int> telling_order(const Minutiae& print) {
  static const CrowdFunction crowd = structures(best_level()).crowd;
  constexpr float kNear = 75.0f, kEnough = 6.0f;  // pixels; neighbours that make surroundings whole
  std::vector<float> worth(print.padded);
  crowd(view(print), kNear, worth.data());
  for (int i = 0; i < print.n; ++i) worth[i] = (0.2f + print.weight[i]) * std::min(1.0f, worth[i] / kEnough);
  std::vector<int> order(print.n);
  std::iota(order.begin(), order.end(), 0);
  std::sort(order.begin(), order.end(), [&](int a, int b) { return worth[a] > worth[b] || (worth[a] == worth[b] && a < b); });
  return order;
}

ScreenFunction screener(Level level) {
  switch (std::min(level, best_level())) {
    case Level::avx512: return avx512::screen;
    case Level::avx2: return avx2::screen;
    default: return plain::screen;
  }
}

ScanFunction scanner(Level level) {
  switch (std::min(level, best_level())) {
    case Level::avx512: return avx512::scan;
    case Level::avx2: return avx2::scan;
    default: return plain::scan;
  }
}

ScanProbe scan_probe(const Minutiae& print) {
  ScanProbe probe;
  const std::vector<int> order = telling_order(print);
  Middle middle;
  for (int i = 0; i < print.n; ++i) middle.add(print.weight[i], print.x[i], print.y[i]);
  middle.end();
  probe.count = std::min(print.n, kMaxProbe);
  for (int k = 0; k < probe.count; ++k) {
    const int i = order[k];
    probe.low[k] = print.low[i];
    probe.angle[k] = static_cast<std::uint8_t>(print.angle[i] >> 8);
    const float x = (print.x[i] - middle.x) / kScanStep, y = (print.y[i] - middle.y) / kScanStep;
    for (int r = 0; r < kRotations; ++r) {
      const float c = std::cos(2 * kPi * r / kRotations), s = std::sin(2 * kPi * r / kRotations);
      probe.x[r][k] = static_cast<std::int16_t>(std::lrint(std::clamp(c * x - s * y, -8000.0f, 8000.0f)));
      probe.y[r][k] = static_cast<std::int16_t>(std::lrint(std::clamp(s * x + c * y, -8000.0f, 8000.0f)));
    }
  }
  return probe;
}

std::vector<int> block_order(const Minutiae& print) {
  std::vector<int> order = telling_order(print);
  if (const int count = block_count(print.n); count > 1) {  // split along the finger: what a partial print shows is together
    const auto last = order.begin() + std::min(print.n, count * kBlock);
    std::stable_sort(order.begin(), last, [&](int a, int b) { return print.y[a] > print.y[b]; });
  }
  return order;
}

int scan_blocks(const Row* rows, const std::uint64_t* low, int n, Block* blocks) {
  Middle middle;
  for (int k = 0; k < n; ++k) middle.add(rows[k].weight(), rows[k].left(), rows[k].up());
  middle.end();
  const int count = block_count(n);
  const int all = std::min(n, count * kBlock);
  auto step = [](float v) { return static_cast<std::uint8_t>(std::clamp(std::lrint(v / kScanStep) + 128L, 0L, 255L)); };
  for (int b = 0; b < count; ++b) {
    Block& block = blocks[b];
    block = Block{};
    for (int k = b * kBlock; k < std::min(all, (b + 1) * kBlock); ++k) {
      const auto at = static_cast<int>(block.count++);
      block.low[at] = low[k];
      block.angle[at] = static_cast<std::uint8_t>(rows[k].angle >> 8);
      block.x[at] = step(rows[k].left() - middle.x), block.y[at] = step(rows[k].up() - middle.y);
    }
  }
  return count;
}

}  // namespace limen::ridge
