// Memory that vectors and tiles can be loaded from: aligned to cache lines, zeroed, and maps with a border of zeros.
#pragma once

#include <sys/mman.h>

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <cstring>
#include <new>
#include <utility>

namespace limen::amx {

inline constexpr std::size_t kHugePage = 2 << 20;  // bytes; maps are read along seven rows at once, each on its own pages

/// Zeroed array at a cache line's start, with one line to spare after its end. Its pages come from the system and go
/// back to it: nothing of an image stays in the allocator's free lists.
template <class T>
class Buffer {
  public:
    Buffer() = default;
    Buffer(const Buffer&) = delete;
    Buffer& operator=(const Buffer&) = delete;
    Buffer(Buffer&& other) noexcept { swap(other); }
    Buffer& operator=(Buffer&& other) noexcept {
        swap(other);
        return *this;
    }
    ~Buffer() { release(); }

    /// `count` zeros; keeps no content.
    void resize(std::size_t count) {
        release();
#if defined(__SANITIZE_ADDRESS__)  // memory whose ends the sanitizer knows
        const std::size_t exact = (count * sizeof(T) + 2 * 64 - 1) / 64 * 64;
        base_ = std::aligned_alloc(64, exact);
        if (!base_) throw std::bad_alloc();
        std::memset(base_, 0, exact);
        data_ = static_cast<T*>(base_), size_ = count;
        return;
#endif
        const std::size_t align = count * sizeof(T) < kHugePage / 2 ? 4096 : kHugePage;
        const std::size_t bytes = (count * sizeof(T) + 64 + align - 1) / align * align;
        mapped_ = bytes + align;
        base_ = mmap(nullptr, mapped_, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
        if (base_ == MAP_FAILED) {
            base_ = nullptr;
            throw std::bad_alloc();
        }
        const auto address = reinterpret_cast<std::uintptr_t>(base_);
        data_ = reinterpret_cast<T*>((address + align - 1) / align * align);
        if (align == kHugePage) madvise(data_, bytes, MADV_HUGEPAGE);  // a hint; nothing depends on it
        size_ = count;
    }
    T* data() { return data_; }
    const T* data() const { return data_; }
    std::size_t size() const { return size_; }

  private:
    void swap(Buffer& other) {
        std::swap(base_, other.base_);
        std::swap(data_, other.data_);
        std::swap(size_, other.size_);
        std::swap(mapped_, other.mapped_);
    }
    void release() {
#if defined(__SANITIZE_ADDRESS__)
        std::free(base_);
#else
        if (base_) munmap(base_, mapped_);
#endif
        base_ = nullptr, data_ = nullptr, size_ = 0;
    }

    void* base_ = nullptr;
    T* data_ = nullptr;
    std::size_t size_ = 0, mapped_ = 0;
};

/// Pixels with their channels side by side, and a border of `halo` zero pixels all around (on the right 16 more, so
/// that whole vectors and tiles of pixels can be read past the end). `channels` counts padding.
template <class T>
class Map {
  public:
    /// Afterwards the border is zero, and the pixels are whatever they were: their writer writes them all.
    void resize(int height, int width, int channels, int halo) {
        if (height == height_ && width == width_ && channels == channels_ && halo == halo_) return;
        height_ = height, width_ = width, channels_ = channels, halo_ = halo;
        row_ = static_cast<std::ptrdiff_t>(width + 2 * halo + kBeyond) * channels;
        const std::size_t count = static_cast<std::size_t>(row_) * (height + 2 * halo + 1);
        if (count > buffer_.size()) {
            buffer_.resize(count);
            return;
        }
        const std::size_t between = static_cast<std::size_t>(2 * halo + kBeyond) * channels;  // a row's end, the next's start
        std::fill_n(buffer_.data(), row_ * halo + halo * channels, T());
        for (int y = 0; y < height; ++y) std::fill_n(at(y, width), between, T());
        std::fill_n(at(height, 0), row_ * (halo + 1) - halo * channels, T());
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
    static constexpr int kBeyond = 16;

    int height_ = 0, width_ = 0, channels_ = 0, halo_ = 0;
    std::ptrdiff_t row_ = 0;
    Buffer<T> buffer_;
};

}  // namespace limen::amx
