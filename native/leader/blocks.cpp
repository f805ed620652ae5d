#include "blocks.hpp"

#include <algorithm>
#include <stdexcept>

#include "depthwise.hpp"
#include "vector.hpp"

namespace limen::leader {
namespace {

constexpr int kWidest = 256;  // channels of the widest layer
constexpr int kGroup = 416;   // pixels normalised before they are projected: 26 rows of tiles, in the second-level cache

/// Depthwise kernel (taps, channels) as, for every sixteen channels, all taps' vectors.
Buffer<float> by_vector(const Array& kernel) {
    const int taps = kernel.shape[0], channels = kernel.shape[1], vectors = rounded(channels, kLanes) / kLanes;
    Buffer<float> packed;
    packed.resize(static_cast<std::size_t>(vectors) * taps * kLanes);
    for (int tap = 0; tap < taps; ++tap)
        for (int c = 0; c < channels; ++c)
            packed.data()[(c / kLanes * taps + tap) * kLanes + c % kLanes] = kernel.data[tap * channels + c];
    return packed;
}

__m512 load(const Buffer<float>& buffer, int vector) { return _mm512_loadu_ps(buffer.data() + vector * kLanes); }

/// Rows of a map that make up a group.
int group_rows(int height, int width) { return std::clamp(kGroup / width, 1, height); }

}  // namespace

void Workspace::resize(int height, int width) {
    const std::size_t pixels = static_cast<std::size_t>(height) * width * kColumns + kRows * kWidest;
    if (pixels <= out.size() && width <= width_) return;
    width_ = std::max(width, width_);
    const std::size_t rows = rounded(std::max(kGroup, width_), kRows) + kRows + kRun;
    normalised.resize(rows * kWidest);
    shortcut.resize(rows * kWidest);
    hidden.resize(kRows * 4 * kWidest);
    sums.resize(kRows * kWidest);
    out.resize(std::max(pixels, out.size()));
}

// ---- Stem ----

Stem::Stem(const Arrays& arrays)
    : kernel_(arrays.at("stem/kernel", {7, kDepth, 48}).data, 7 * kDepth, 48),
      bias_(padded(arrays.at("stem/bias", {48}))),
      scale_(padded(arrays.at("stem/scale", {48}))),
      shift_(padded(arrays.at("stem/shift", {48}))),
      epsilon_(arrays.at("epsilon", {1}).data[0]) {}

void Stem::run(const Map<std::uint16_t>& image, Map<float>& low, Map<std::uint16_t>& high) const {
    static constexpr int kReads[7] = {-4, -2, -1, 0, 1, 2, 4};  // rows of the image, as the kernel is ordered
    alignas(64) float sums_of[2][3][16 * 16];
    const __m512 bias[3] = {load(bias_, 0), load(bias_, 1), load(bias_, 2)};
    const __m512 scale[3] = {load(scale_, 0), load(scale_, 1), load(scale_, 2)};
    const __m512 shift[3] = {load(shift_, 0), load(shift_, 1), load(shift_, 2)};
    const __m512 epsilon = _mm512_set1_ps(epsilon_), quarter = _mm512_set1_ps(0.25f);
    for (int y = 0; y < image.height(); y += 2)
        for (int x = 0; x < image.width(); x += 16) {
            for (int line = 0; line < 2; ++line) {
                clear_sums();
                for (int k = 0; k < 7; ++k) {
                    // rows of this tile overlap: each pixel's window begins one pixel after its neighbour's
                    _tile_loadd(4, image.at(y + line + kReads[k], x - 4), 2);
                    _tile_loadd(5, kernel_.at(0, k), 64);
                    _tile_loadd(6, kernel_.at(0, k) + kTile, 64);
                    _tile_loadd(7, kernel_.at(1, k), 64);
                    _tile_dpbf16ps(0, 4, 5);
                    _tile_dpbf16ps(1, 4, 6);
                    _tile_dpbf16ps(2, 4, 7);
                }
                _tile_stored(0, sums_of[line][0], 64);
                _tile_stored(1, sums_of[line][1], 64);
                _tile_stored(2, sums_of[line][2], 64);
            }
            alignas(64) float spread[2][2][16];  // 1 / standard deviation by line, stem and pixel
            for (int line = 0; line < 2; ++line) {
                __m512 first[16], second[16];
                for (int i = 0; i < 16; ++i) {
                    __m512 v[3];
                    for (int part = 0; part < 3; ++part) {
                        v[part] = _mm512_add_ps(_mm512_load_ps(sums_of[line][part] + i * 16), bias[part]);
                        _mm512_store_ps(sums_of[line][part] + i * 16, v[part]);
                    }
                    first[i] = _mm512_mul_ps(v[0], v[0]);
                    second[i] = _mm512_fmadd_ps(v[1], v[1], _mm512_mul_ps(v[2], v[2]));
                }
                const __m512 one = _mm512_fmadd_ps(sums(first), _mm512_set1_ps(1.f / 16), epsilon);
                const __m512 two = _mm512_fmadd_ps(sums(second), _mm512_set1_ps(1.f / 32), epsilon);
                _mm512_store_ps(spread[line][0], rsqrt(one));
                _mm512_store_ps(spread[line][1], rsqrt(two));
            }
            for (int i = 0; i < 16; i += 2) {
                __m512 value[3][4];
                for (int part = 0; part < 3; ++part)
                    for (int n = 0; n < 4; ++n) {
                        const int line = n / 2, pixel = i + n % 2;
                        const __m512 by = _mm512_set1_ps(spread[line][part != 0][pixel]);
                        const __m512 sum = _mm512_load_ps(sums_of[line][part] + pixel * 16);
                        value[part][n] = gelu(_mm512_fmadd_ps(_mm512_mul_ps(sum, by), scale[part], shift[part]));
                    }
                const int to_y = y / 2, to_x = (x + i) / 2;
                _mm512_storeu_ps(low.at(to_y, to_x), _mm512_max_ps(_mm512_max_ps(value[0][0], value[0][1]),
                                                                   _mm512_max_ps(value[0][2], value[0][3])));
                const auto mean = [&](const __m512* four) {
                    return _mm512_mul_ps(quarter, _mm512_add_ps(_mm512_add_ps(four[0], four[1]), _mm512_add_ps(four[2], four[3])));
                };
                _mm512_storeu_si512(high.at(to_y, to_x) + 32, to_bf16(mean(value[1]), mean(value[2])));
            }
        }
}

// ---- Separable ----

Separable::Separable(const Arrays& arrays, const std::string& name)
    : depth_(arrays.at(name + "/depthwise", {25, 0}).shape[1]),
      columns_(arrays.at(name + "/pointwise", {depth_, 0}).shape[1]),
      pointwise_(arrays.at(name + "/pointwise", {depth_, columns_}).data, depth_, columns_),
      depthwise_(by_vector(arrays.at(name + "/depthwise", {25, depth_}))),
      bias_(padded(arrays.at(name + "/bias", {columns_}))),
      scale_(padded(arrays.at(name + "/scale", {columns_}))),
      shift_(padded(arrays.at(name + "/shift", {columns_}))),
      epsilon_(arrays.at("epsilon", {1}).data[0]) {}

void Separable::run(const Map<float>& in, Workspace& work) const {
    const int height = in.height(), width = in.width(), rows = group_rows(height, width);
    const int depth = pointwise_.depth() * kDepth, vectors = columns_ / kLanes;
    const __m512 epsilon = _mm512_set1_ps(epsilon_), part = _mm512_set1_ps(1.f / static_cast<float>(columns_));
    for (int top = 0; top < height; top += rows) {
        const int lines = std::min(rows, height - top), count = lines * width;
        for (int line = 0; line < lines; ++line)
            for (int x = 0; x < width; x += kRun)
                for (int v = 0; v < rounded(depth_, kLanes) / kLanes; ++v) {
                    __m512 sum[kRun];
                    depthwise<5>(in.at(top + line - 2, x - 2) + v * kLanes, in.row(), in.channels(),
                                 depthwise_.data() + v * 25 * kLanes, sum);
                    for (int n = 0; n < kRun; ++n)
                        _mm256_storeu_si256(reinterpret_cast<__m256i*>(work.normalised.data() +
                                                static_cast<std::size_t>(line * width + x + n) * depth + v * kLanes),
                                            (__m256i)_mm512_cvtneps_pbh(sum[n]));
                }
        for (int row = 0; row < count; row += kRows) {
            for (int block = 0; block < pointwise_.blocks(); ++block) {
                clear_sums();
                multiply(work.normalised.data() + static_cast<std::size_t>(row) * depth, depth, pointwise_, block);
                store_sums(work.sums.data() + block * kColumns, stride());
            }
            for (int half = 0; half < kRows; half += 16) {
                __m512 squares[16];
                for (int i = 0; i < 16; ++i) {
                    squares[i] = _mm512_setzero_ps();
                    for (int v = 0; v < vectors; ++v) {
                        float* at = work.sums.data() + (half + i) * stride() + v * kLanes;
                        const __m512 value = _mm512_add_ps(_mm512_load_ps(at), load(bias_, v));
                        _mm512_store_ps(at, value);
                        squares[i] = _mm512_fmadd_ps(value, value, squares[i]);
                    }
                }
                alignas(64) float spread[16];
                _mm512_store_ps(spread, rsqrt(_mm512_fmadd_ps(sums(squares), part, epsilon)));
                for (int i = 0; i < std::min(16, count - row - half); ++i)
                    for (int v = 0; v < vectors; ++v) {
                        const __m512 value = _mm512_mul_ps(_mm512_load_ps(work.sums.data() + (half + i) * stride() + v * kLanes),
                                                           _mm512_set1_ps(spread[i]));
                        _mm512_storeu_ps(work.out.data() +
                                             static_cast<std::size_t>(top * width + row + half + i) * stride() + v * kLanes,
                                         gelu(_mm512_fmadd_ps(value, load(scale_, v), load(shift_, v))));
                    }
            }
        }
    }
}

// ---- Attention ----

Attention::Attention(const Arrays& arrays)
    : kernel_(arrays.at("attention/kernel", {27, kDepth, 16}).data, 27 * kDepth, 16),
      gate_(arrays.at("attention/gate", {48, 32}).data, 48, 32),
      bias_(padded(arrays.at("attention/bias", {48}))),
      gate_bias_(padded(arrays.at("attention/gate_bias", {32}))) {}

void Attention::run(const Map<std::uint16_t>& in, Map<std::uint16_t>& out) const {
    alignas(64) float sums_of[3][16 * 16], gates[2][16 * 16];
    alignas(64) std::uint16_t hidden[16 * 64] = {};
    for (int y = 0; y < in.height(); ++y)
        for (int x = 0; x < in.width(); x += 16) {
            clear_sums();
            for (int tap = 0; tap < 9; ++tap) {
                const int dy = tap / 3 - 1, dx = tap % 3 - 1;
                _tile_loadd(4, in.at(y + dy, x + dx), 64);
                _tile_loadd(5, kernel_.at(0, tap), 64);
                _tile_dpbf16ps(0, 4, 5);
                _tile_loadd(6, in.at(y + 3 * dy, x + 3 * dx), 64);
                _tile_loadd(7, kernel_.at(0, 9 + tap), 64);
                _tile_dpbf16ps(1, 6, 7);
                _tile_loadd(4, in.at(y + 6 * dy, x + 6 * dx), 64);
                _tile_loadd(5, kernel_.at(0, 18 + tap), 64);
                _tile_dpbf16ps(2, 4, 5);
            }
            _tile_stored(0, sums_of[0], 64);
            _tile_stored(1, sums_of[1], 64);
            _tile_stored(2, sums_of[2], 64);
            for (int i = 0; i < 16; ++i)
                for (int part = 0; part < 3; ++part) {
                    const __m512 value = gelu(_mm512_add_ps(_mm512_load_ps(sums_of[part] + i * 16), load(bias_, part)));
                    _mm256_store_si256(reinterpret_cast<__m256i*>(hidden + i * 64 + part * 16),
                                       (__m256i)_mm512_cvtneps_pbh(value));
                }
            _tile_zero(0);
            _tile_zero(1);
            for (int k = 0; k < 2; ++k) {
                _tile_loadd(4, hidden + k * kDepth, 128);
                _tile_loadd(6, gate_.at(0, k), 64);
                _tile_loadd(7, gate_.at(0, k) + kTile, 64);
                _tile_dpbf16ps(0, 4, 6);
                _tile_dpbf16ps(1, 4, 7);
            }
            _tile_stored(0, gates[0], 64);
            _tile_stored(1, gates[1], 64);
            for (int i = 0; i < 16; ++i) {
                __m512 passed[2];
                for (int part = 0; part < 2; ++part) {
                    const __m512 open = sigmoid(_mm512_add_ps(_mm512_load_ps(gates[part] + i * 16), load(gate_bias_, part)));
                    const __m256i half = _mm256_loadu_si256(reinterpret_cast<const __m256i*>(in.at(y, x + i) + part * 16));
                    const __m512 value = _mm512_castsi512_ps(_mm512_slli_epi32(_mm512_cvtepu16_epi32(half), 16));
                    passed[part] = _mm512_mul_ps(value, open);
                }
                _mm512_storeu_si512(out.at(y, x + i), to_bf16(passed[0], passed[1]));
            }
        }
}

// ---- Bottleneck ----

namespace {

/// Where channel `c` stands after depthwise convolution: of every 32, the even ones first.
int parted(int c) { return c / 32 * 32 + c % 2 * 16 + c % 32 / 2; }

/// Depthwise kernel as, for every 32 channels, all taps' vectors of the even ones, then of the odd ones.
Buffer<float> by_half(const Array& kernel) {
    const int taps = kernel.shape[0], channels = kernel.shape[1];
    Buffer<float> packed;
    packed.resize(static_cast<std::size_t>(rounded(channels, 32)) * taps);
    for (int tap = 0; tap < taps; ++tap)
        for (int c = 0; c < channels; ++c)
            packed.data()[(parted(c) / 16 * taps + tap) * 16 + parted(c) % 16] = kernel.data[tap * channels + c];
    return packed;
}

/// Weights whose rows are the channels after depthwise convolution.
Packed packed_parted(const Array& weights) {
    const int depth = weights.shape[0], columns = weights.shape[1];
    std::vector<float> sorted(static_cast<std::size_t>(rounded(depth, 32)) * columns);
    for (int c = 0; c < depth; ++c) std::copy_n(weights.data + static_cast<std::size_t>(c) * columns, columns, sorted.data() + static_cast<std::size_t>(parted(c)) * columns);
    return Packed(sorted.data(), rounded(depth, 32), columns);
}

}  // namespace

Bottleneck::Bottleneck(const Arrays& arrays, const std::string& name)
    : depth_(arrays.at(name + "/depthwise", {49, 0}).shape[1]),
      columns_(arrays.at(name + "/reduce", {4 * depth_, 0}).shape[1]),
      groups_(rounded(depth_, 32) / 32),
      expand_(packed_parted(arrays.at(name + "/expand", {depth_, 4 * depth_}))),
      reduce_(arrays.at(name + "/reduce", {4 * depth_, columns_}).data, 4 * depth_, columns_),
      shortcut_(arrays.at(name + "/shortcut", {depth_, columns_}).data, depth_, columns_),
      depthwise_(by_half(arrays.at(name + "/depthwise", {49, depth_}))),
      expand_bias_(padded(arrays.at(name + "/expand_bias", {4 * depth_}))),
      bias_(padded(arrays.at(name + "/bias", {columns_}))),
      epsilon_(arrays.at("epsilon", {1}).data[0]) {
    if (depth_ > kWidest) throw std::invalid_argument("layer " + name + " is too wide");
}

void Bottleneck::run(const Map<std::uint16_t>& in, Workspace& work) const {
    const int height = in.height(), width = in.width(), rows = group_rows(height, width);
    for (int top = 0; top < height; top += rows) {
        const int lines = std::min(rows, height - top), count = lines * width;
        for (int line = 0; line < lines; line += 2)
            for (int x = 0; x < width; x += kRun)
                normalise(in, top + line, x, line * width + x, line + 1 < lines ? (line + 1) * width + x : -1, work);
        for (int row = 0; row < count; row += kRows)
            project(row, std::min(kRows, count - row),
                    work.out.data() + static_cast<std::size_t>(top * width + row) * stride(), work);
    }
}

void Bottleneck::run_around(const Map<std::uint16_t>& in, const std::vector<std::pair<int, int>>& pixels, float* out,
                            Workspace& work) const {
    constexpr int kAtOnce = 3;  // 27 of 32 rows
    const int count = static_cast<int>(pixels.size());
    for (int first = 0; first < count; first += kAtOnce) {
        const int some = std::min(kAtOnce, count - first);
        for (int i = 0; i < some; ++i) {
            const auto [y, x] = pixels[first + i];
            // rows overlap: of each run's eight pixels three are kept, the others overwritten by the next
            normalise(in, y - 1, x - 1, 9 * i, 9 * i + 3, work);
            normalise(in, y + 1, x - 1, 9 * i + 6, -1, work);
        }
        project(0, 9 * some, out + static_cast<std::size_t>(9 * first) * stride(), work);
    }
}

void Bottleneck::normalise(const Map<std::uint16_t>& in, int y, int x, int row, int below, Workspace& work) const {
    const int depth = groups_ * 32;
    alignas(64) __m512 value[kWidest / kLanes][2 * kRun];
    __m512 sum[2][16];  // of each line: lanes 0-7 of their total are sums, 8-15 sums of squares
    for (int n = 0; n < 16; ++n) sum[0][n] = sum[1][n] = _mm512_setzero_ps();
    for (int v = 0; v < 2 * groups_; ++v) {
        PairedDepthwise(in.at(y - 3, x - 3) + v / 2 * 32, in.row(), in.channels(), depthwise_.data() + v * 49 * kLanes, v % 2)
            .run(value[v]);
        for (int line = 0; line < 2; ++line)
            for (int n = 0; n < kRun; ++n) {
                const __m512 one = value[v][line * kRun + n];
                sum[line][n] = _mm512_add_ps(sum[line][n], one);
                sum[line][kRun + n] = _mm512_fmadd_ps(one, one, sum[line][kRun + n]);
            }
    }
    for (int line = 0; line < (below < 0 ? 1 : 2); ++line) {
        const __m512 total = _mm512_mul_ps(sums(sum[line]), _mm512_set1_ps(1.f / static_cast<float>(depth_)));
        const __m512 squares = _mm512_shuffle_f32x4(total, total, 0b11101110);
        const __m512 variance = _mm512_max_ps(_mm512_fnmadd_ps(total, total, squares), _mm512_setzero_ps());
        alignas(64) float mean[16], spread[16];
        _mm512_store_ps(mean, total);
        _mm512_store_ps(spread, rsqrt(_mm512_add_ps(variance, _mm512_set1_ps(epsilon_))));
        for (int n = 0; n < kRun; ++n) {
            const __m512 by = _mm512_set1_ps(spread[n]), less = _mm512_set1_ps(-mean[n] * spread[n]);
            const std::size_t at = static_cast<std::size_t>((line ? below : row) + n) * depth;
            const std::uint16_t* from = in.at(y + line, x + n);
            for (int g = 0; g < groups_; ++g) {
                const __m512 even = value[2 * g][line * kRun + n], odd = value[2 * g + 1][line * kRun + n];
                _mm512_storeu_si512(work.normalised.data() + at + g * 32,
                                    to_bf16(_mm512_fmadd_ps(even, by, less), _mm512_fmadd_ps(odd, by, less)));
                _mm512_storeu_si512(work.shortcut.data() + at + g * 32, _mm512_loadu_si512(from + g * 32));
            }
        }
    }
}

void Bottleneck::project(int row, int count, float* out, Workspace& work) const {
    alignas(64) float sums_of[2][kRows * kColumns];
    const int depth = expand_.depth() * kDepth, width = expand_.blocks() * kColumns;
    const auto activate = [&](int block) {  // while the tiles multiply the next block
        const float* from = sums_of[block % 2];
        const __m512 low = load(expand_bias_, 2 * block), high = load(expand_bias_, 2 * block + 1);
        for (int i = 0; i < kRows; ++i, from += kColumns)
            _mm512_store_si512(work.hidden.data() + i * width + block * kColumns,
                               to_bf16(gelu(_mm512_add_ps(_mm512_load_ps(from), low)),
                                       gelu(_mm512_add_ps(_mm512_load_ps(from + 16), high))));
    };
    for (int block = 0; block < expand_.blocks(); ++block) {
        clear_sums();
        multiply(work.normalised.data() + static_cast<std::size_t>(row) * depth, depth, expand_, block);
        store_sums(sums_of[block % 2]);
        if (block) activate(block - 1);
    }
    activate(expand_.blocks() - 1);
    for (int block = 0; block < reduce_.blocks(); ++block) {
        clear_sums();
        multiply(work.hidden.data(), width, reduce_, block);
        multiply(work.shortcut.data() + static_cast<std::size_t>(row) * depth, depth, shortcut_, block);
        store_sums(sums_of[0]);
        const __m512 low = load(bias_, 2 * block), high = load(bias_, 2 * block + 1);
        for (int i = 0; i < count; ++i) {
            float* to = out + static_cast<std::size_t>(i) * stride() + block * kColumns;
            _mm512_storeu_ps(to, _mm512_add_ps(_mm512_load_ps(sums_of[0] + i * kColumns), low));
            _mm512_storeu_ps(to + 16, _mm512_add_ps(_mm512_load_ps(sums_of[0] + i * kColumns + 16), high));
        }
    }
}

}  // namespace limen::leader
