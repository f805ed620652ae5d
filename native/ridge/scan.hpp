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
constexpr int kMaxHits = 32;        // alike pairs of minutiae, the most alike ones, that vote

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

// How strongly pairs of alike minutiae agree on one way to lay the probe on the block's print: 0 and up.
using ScanFunction = void (*)(const ScanProbe&, const Block*, int blocks, std::uint16_t* scores);

ScanFunction scanner(Level level);
ScanProbe scan_probe(const Minutiae& print);
// Blocks of a print whose minutiae stand in `order`; returns how many (at most kMaxBlocks).
int scan_blocks(const Minutiae& print, const std::vector<int>& order, Block* blocks);
// A print's minutiae in the order of its blocks; those with the least to tell may be in none.
std::vector<int> block_order(const Minutiae& print);
// A print's minutiae, those with the most to tell first.
std::vector<int> telling_order(const Minutiae& print);

namespace plain { void scan(const ScanProbe&, const Block*, int, std::uint16_t*); }
namespace avx2 { void scan(const ScanProbe&, const Block*, int, std::uint16_t*); }
namespace avx512 { void scan(const ScanProbe&, const Block*, int, std::uint16_t*); }

}  // namespace limen::ridge
