// Matrix products in bfloat16 on AMX tiles: 32 rows at a time against weights packed once.
//
// A tile holds 16 rows of 64 bytes. Tiles 0-3 are the float32 sums of a 32 x 32 block, 4-5 its rows, 6-7 its weights.
#pragma once

#include <immintrin.h>

#include <cstdint>
#include <cstring>
#include <vector>

#include "memory.hpp"

namespace limen::amx {

inline constexpr int kRows = 32;     // rows of a block
inline constexpr int kColumns = 32;  // columns of a block
inline constexpr int kDepth = 32;    // bfloat16 in a tile's row: products summed by one instruction
inline constexpr int kTile = 512;    // bfloat16 in a tile

inline constexpr int rounded(int n, int to) { return (n + to - 1) / to * to; }

/// All eight tiles at full size; to be called before the first product on a thread, and `release` after the last.
inline void configure_tiles() {
    alignas(64) struct {
        std::uint8_t palette = 1, start_row = 0, reserved[14] = {};
        std::uint16_t bytes[16] = {};
        std::uint8_t rows[16] = {};
    } shape;
    for (int i = 0; i < 8; ++i) {
        shape.bytes[i] = 64;
        shape.rows[i] = 16;
    }
    _tile_loadconfig(&shape);
}

inline std::uint16_t bf16(float value) {
    std::uint32_t bits;
    std::memcpy(&bits, &value, 4);
    return static_cast<std::uint16_t>((bits + 0x7fff + ((bits >> 16) & 1)) >> 16);
}

/// Weights (depth, columns) as tiles: 32 columns after 32 columns, within them 32 rows after 32 rows, two tiles each,
/// rows two by two interleaved as the instruction reads them. Both sides are filled up with zeros.
class Packed {
  public:
    Packed() = default;
    Packed(const float* weights, int depth, int columns)
        : depth_(rounded(depth, kDepth) / kDepth), blocks_(rounded(columns, kColumns) / kColumns) {
        tiles_.resize(static_cast<std::size_t>(depth_) * blocks_ * 2 * kTile);
        for (int k = 0; k < depth; ++k)
            for (int n = 0; n < columns; ++n) {
                std::uint16_t* tile = at(n / kColumns, k / kDepth) + (n % kColumns) / 16 * kTile;
                tile[(k % kDepth) / 2 * 32 + (n % 16) * 2 + k % 2] = bf16(weights[static_cast<std::size_t>(k) * columns + n]);
            }
    }
    int depth() const { return depth_; }
    int blocks() const { return blocks_; }
    const std::uint16_t* at(int block, int k) const {
        return tiles_.data() + (static_cast<std::size_t>(block) * depth_ + k) * 2 * kTile;
    }

  private:
    std::uint16_t* at(int block, int k) { return const_cast<std::uint16_t*>(static_cast<const Packed*>(this)->at(block, k)); }
    int depth_ = 0, blocks_ = 0;
    Buffer<std::uint16_t> tiles_;
};

/// Adds 32 rows (bfloat16, `stride` of them from row to row) times one block of weights to the sums in tiles 0-3.
inline void multiply(const std::uint16_t* rows, int stride, const Packed& weights, int block) {
    const std::uint16_t* lower = rows + static_cast<std::size_t>(16) * stride;
    for (int k = 0; k < weights.depth(); ++k) {
        const std::uint16_t* tile = weights.at(block, k);
        _tile_loadd(4, rows + k * kDepth, stride * 2);
        _tile_loadd(6, tile, 64);
        _tile_loadd(7, tile + kTile, 64);
        _tile_loadd(5, lower + k * kDepth, stride * 2);
        _tile_dpbf16ps(0, 4, 6);
        _tile_dpbf16ps(1, 4, 7);
        _tile_dpbf16ps(2, 5, 6);
        _tile_dpbf16ps(3, 5, 7);
    }
}

inline void clear_sums() {
    _tile_zero(0);
    _tile_zero(1);
    _tile_zero(2);
    _tile_zero(3);
}

/// The sums as float32, 32 rows of 32, `stride` floats from row to row.
inline void store_sums(float* to, int stride = kColumns) {
    _tile_stored(0, to, stride * 4);
    _tile_stored(1, to + 16, stride * 4);
    _tile_stored(2, to + 16 * stride, stride * 4);
    _tile_stored(3, to + 16 * stride + 16, stride * 4);
}

}  // namespace limen::amx
