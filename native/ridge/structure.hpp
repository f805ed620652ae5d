// Local structure codes: from cells to bits.
#pragma once

#include <cstdint>

#include "ridge/comparator.hpp"
#include "ridge/minutiae.hpp"

namespace limen::ridge {

// 312 cells, each 0-255, to 128 bits: signs of projections, in whole numbers.
using ProjectFunction = void (*)(const std::uint8_t* cells, std::uint64_t& low, std::uint64_t& high);
ProjectFunction projector(Level level);

namespace plain { void project(const std::uint8_t*, std::uint64_t&, std::uint64_t&); }
namespace avx2 { void project(const std::uint8_t*, std::uint64_t&, std::uint64_t&); }
namespace avx512 { void project(const std::uint8_t*, std::uint64_t&, std::uint64_t&); }

}  // namespace limen::ridge
