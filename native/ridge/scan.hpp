// The first stage of a search: a cheap likeness of the probe to every print, from half of each code.
#pragma once

#include <cstdint>
#include <vector>

#include "ridge/comparator.hpp"
#include "ridge/minutiae.hpp"

namespace limen::ridge {

constexpr int kBlock = 32;          // minutiae in a block
constexpr int kMaxBlocks = 4;      // of one print
constexpr int kMaxProbe = 48;       // minutiae of a probe that are looked for
constexpr int kRotations = 32;      // steps of rotation: 11 degrees
constexpr float kScanStep = 4.0f;   // pixels that one step of a block's coordinates means
constexpr int kMaxHits = 32;        // alike pairs of minutiae that vote, those of the probe's most telling ones
constexpr int kScreenMost = 32 * 25 * 25;  // the highest likeness that a screen finds
constexpr int kScreenProbe = 24;    // minutiae of a probe that the screen looks for: the most telling ones

// Up to 32 minutiae of one print: 360 bytes.
struct Block {
  std::uint64_t low[kBlock];        // half of the code
  std::uint8_t x[kBlock], y[kBlock], angle[kBlock];  // steps from the print's middle + 128; 256 to a turn
  std::uint32_t count;
};

// A probe made ready for scanning.
struct ScanProbe {
  int count = 0;
  std::uint64_t low[kMaxProbe];
  std::uint8_t angle[kMaxProbe];
  std::int16_t x[kRotations][kMaxProbe], y[kRotations][kMaxProbe];  // steps, turned by each rotation
};

// How alike a block's minutiae are to those of the probe, wherever they lie: 0 to kScreenMost. Five times as fast as a scan.
using ScreenFunction = void (*)(const ScanProbe&, const Block*, int blocks, std::uint16_t* scores);
// How strongly pairs of alike minutiae agree on one way to lay the probe on the block's print: 0 and up.
// Of these `blocks[which[k]]`, to `scores[k]`.
using ScanFunction = void (*)(const ScanProbe&, const Block* blocks, const std::uint16_t* which, int count,
                              std::uint16_t* scores);

ScreenFunction screener(Level level);
ScanFunction scanner(Level level);
ScanProbe scan_probe(const Minutiae& print);
// Blocks of n minutiae, the codes' halves of each beside them; returns how many blocks (at most kMaxBlocks).
int scan_blocks(const Row* rows, const std::uint64_t* low, int n, Block* blocks);
// A print's minutiae in the order of its blocks; those with the least to tell may be in none.
std::vector<int> block_order(const Minutiae& print);
// A print's minutiae, those with the most to tell first.
std::vector<int> telling_order(const Minutiae& print);

namespace plain {
void screen(const ScanProbe&, const Block*, int, std::uint16_t*);
void scan(const ScanProbe&, const Block*, const std::uint16_t*, int, std::uint16_t*);
}
namespace avx2 {
void screen(const ScanProbe&, const Block*, int, std::uint16_t*);
void scan(const ScanProbe&, const Block*, const std::uint16_t*, int, std::uint16_t*);
}
namespace avx512 {
void screen(const ScanProbe&, const Block*, int, std::uint16_t*);
void scan(const ScanProbe&, const Block*, const std::uint16_t*, int, std::uint16_t*);
}

}  // namespace limen::ridge
