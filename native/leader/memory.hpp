// Memory that vectors and tiles can be loaded from: aligned to cache lines, zeroed, and maps with a border of zeros.
#pragma once

#include <sys/mman.h>

#include <cstddef>
#include <cstdlib>
#include <cstring>
#include <new>
#include <utility>

namespace limen::leader {

inline constexpr std::size_t kHugePage = 2 << 20;  // bytes; maps are read along seven rows at once, each on its own pages

/// Zeroed array at a cache line's start, with one line to spare after its end.
template <class T>
class Buffer {
  public:
    Buffer() = default;
    Buffer(const Buffer&) = delete;
    Buffer& operator=(const Buffer&) = delete;
    Buffer(Buffer&& other) noexcept : data_(std::exchange(other.data_, nullptr)), size_(std::exchange(other.size_, 0)) {}
    Buffer& operator=(Buffer&& other) noexcept {
        std::swap(data_, other.data_);
        std::swap(size_, other.size_);
        return *this;
    }
    ~Buffer() { std::free(data_); }

    /// `count` zeros; keeps no content.
    void resize(std::size_t count) {
        std::free(std::exchange(data_, nullptr));
        const std::size_t page = count * sizeof(T) < kHugePage ? 64 : kHugePage;
        const std::size_t bytes = (count * sizeof(T) + 64 + page - 1) / page * page;
        data_ = static_cast<T*>(std::aligned_alloc(page, bytes));
        if (!data_) throw std::bad_alloc();
        if (page == kHugePage) madvise(data_, bytes, MADV_HUGEPAGE);  // a hint; nothing depends on it
        std::memset(static_cast<void*>(data_), 0, bytes);
        size_ = count;
    }
    T* data() { return data_; }
    const T* data() const { return data_; }
    std::size_t size() const { return size_; }

  private:
    T* data_ = nullptr;
    std::size_t size_ = 0;
};

/// Pixels with their channels side by side, and a border of `halo` zero pixels all around (on the right 16 more, so
/// that whole vectors and tiles of pixels can be read past the end). `channels` counts padding.
template <class T>
class Map {
  public:
    void resize(int height, int width, int channels, int halo) {
        if (height == height_ && width == width_ && channels == channels_ && halo == halo_) return;
        height_ = height, width_ = width, channels_ = channels, halo_ = halo;
        row_ = static_cast<std::ptrdiff_t>(width + 2 * halo + 16) * channels;
        buffer_.resize(static_cast<std::size_t>(row_) * (height + 2 * halo + 1));
    }
    int height() const { return height_; }
    int width() const { return width_; }
    int channels() const { return channels_; }
    /// Elements from a row to the next.
    std::ptrdiff_t row() const { return row_; }
    /// The channels of a pixel; coordinates may lie up to `halo` outside.
    T* at(int y, int x) { return buffer_.data() + (y + halo_) * row_ + static_cast<std::ptrdiff_t>(x + halo_) * channels_; }
    const T* at(int y, int x) const { return const_cast<Map*>(this)->at(y, x); }

  private:
    int height_ = 0, width_ = 0, channels_ = 0, halo_ = 0;
    std::ptrdiff_t row_ = 0;
    Buffer<T> buffer_;
};

}  // namespace limen::leader
