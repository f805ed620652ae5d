// Memory for millions of small things that come and stay: taken from the system in large pieces, in huge pages.
#pragma once

#include <sys/mman.h>

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <cstring>
#include <new>
#include <utility>
#include <vector>

namespace limen::store {

constexpr std::size_t kHugePage = 2 << 20;  // bytes

// Zeros from the system, which get them back; a piece of huge pages' size is aligned to them.
class Region {
 public:
  Region() = default;
  explicit Region(std::size_t size) : size_(size) {
    const std::size_t spare = size < kHugePage ? 0 : kHugePage;
    void* const start = mmap(nullptr, size + spare, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    if (start == MAP_FAILED) throw std::bad_alloc();
    auto* const first = static_cast<std::uint8_t*>(start);
    data_ = first;
    if (spare == 0) return;
    data_ = first + (kHugePage - reinterpret_cast<std::uintptr_t>(first) % kHugePage) % kHugePage;
    if (data_ != first) munmap(first, static_cast<std::size_t>(data_ - first));
    const std::size_t whole = (size + 4095) / 4096 * 4096;
    if (const auto left = static_cast<std::size_t>(first + size + spare - (data_ + whole)); left >= 4096)
      munmap(data_ + whole, left);
#ifdef MADV_HUGEPAGE
    madvise(data_, size, MADV_HUGEPAGE);  // a hint; nothing depends on it
#endif
  }
  Region(const Region&) = delete;
  Region& operator=(const Region&) = delete;
  Region(Region&& other) noexcept { swap(other); }
  Region& operator=(Region&& other) noexcept {
    swap(other);
    return *this;
  }
  ~Region() {
    if (data_) munmap(data_, size_);
  }

  std::uint8_t* data() const { return data_; }
  std::size_t size() const { return size_; }

 private:
  void swap(Region& other) noexcept { std::swap(data_, other.data_), std::swap(size_, other.size_); }

  std::uint8_t* data_ = nullptr;
  std::size_t size_ = 0;
};

// Blocks of bytes of any size, aligned to 16. A block that is given back is overwritten, and serves the next of its size.
// Not thread-safe.
class Arena {
 public:
  Arena() = default;
  Arena(const Arena&) = delete;
  Arena& operator=(const Arena&) = delete;

  std::uint8_t* take(std::size_t size) {
    const std::size_t units = units_of(size);
    if (units > kLargest) {
      auto* const alone = static_cast<std::uint8_t*>(std::malloc(units * kUnit));
      if (!alone) throw std::bad_alloc();
      bytes_ += units * kUnit;
      return alone;
    }
    if (Free* const free = free_[units]) {
      free_[units] = std::exchange(free->next, nullptr);
      return reinterpret_cast<std::uint8_t*>(free);
    }
    if (static_cast<std::size_t>(end_ - at_) < units * kUnit) {
      regions_.emplace_back(regions_.empty() ? kFirst : std::min(2 * regions_.back().size(), kMost));
      bytes_ += regions_.back().size();
      at_ = regions_.back().data(), end_ = at_ + regions_.back().size();
    }
    return std::exchange(at_, at_ + units * kUnit);
  }

  void give(std::uint8_t* block, std::size_t size) {
    const std::size_t units = units_of(size);
    explicit_bzero(block, size);
    if (units > kLargest) {
      std::free(block);
      bytes_ -= units * kUnit;
    } else {
      free_[units] = new (block) Free{free_[units]};
    }
  }

  std::size_t memory() const { return bytes_; }  // bytes taken from the system

 private:
  static constexpr std::size_t kUnit = 16;                                // bytes
#if defined(__SANITIZE_ADDRESS__)
  static constexpr std::size_t kLargest = 0;                              // units; memory whose ends the sanitizer knows
#else
  static constexpr std::size_t kLargest = 256;                            // units; beyond that a block stands alone
#endif
  static constexpr std::size_t kFirst = 64 << 10, kMost = 2 * kHugePage;  // bytes of a region
  struct Free {
    Free* next;
  };
  static std::size_t units_of(std::size_t size) { return std::max<std::size_t>(1, (size + kUnit - 1) / kUnit); }

  std::vector<Region> regions_;
  std::uint8_t *at_ = nullptr, *end_ = nullptr;
  Free* free_[kLargest + 1] = {};
  std::size_t bytes_ = 0;
};

}  // namespace limen::store
