// Many prints in memory: a first stage over all of them, the exact comparator on what is left.
#pragma once

#include <array>
#include <cstdint>
#include <memory>
#include <mutex>
#include <shared_mutex>
#include <vector>

#include "ridge/comparator.hpp"
#include "ridge/scan.hpp"
#include "store/handles.hpp"
#include "store/regions.hpp"

namespace limen::ridge {

struct Found {
  std::uint64_t key;
  float score;
};

// Bytes of a stored print, borrowed.
struct Stored {
  const std::uint8_t* data;
  std::size_t size;
};

// A probe: one or several views of it (a mark with fewer or more of its faint minutiae); the best view counts.
struct Probe {
  std::vector<const Minutiae*> views;
};

// Thread-safe. Changes are in force when they return; a search sees each print as it was or as it is, never half.
class Index {
 public:
  void put(std::uint64_t key, const std::vector<Minutiae>& views);  // at least one
  // Many prints at once, as stored (`read_stored`), on so many threads. How many clear minutiae each has; kInViews for
  // those that are left out because they need views, kNoPrint for what is none.
  static constexpr std::int32_t kInViews = -1, kNoPrint = -2;
  std::vector<std::int32_t> put_many(const std::vector<std::uint64_t>& keys, const std::vector<Stored>& prints,
                                     const WholeRule& rule, int threads);
  bool remove(std::uint64_t key);
  std::size_t remove_many(const std::uint64_t* keys, std::size_t count);  // how many there were
  std::size_t size() const;
  std::size_t memory() const;

  // For each probe the `limit` highest scores, highest first; ties by key. `survivors`: how many prints pass the first
  // stage (0: as many as kSurvivors says; at least the size: exhaustive). All probes share one pass over the prints.
  std::vector<std::vector<Found>> search(const std::vector<Probe>& probes, std::size_t limit, std::size_t survivors,
                                         int threads) const;
  // Only these keys (unknown ones are skipped), all of them with the exact comparator.
  std::vector<Found> search_among(const Probe& probe, std::size_t limit, const std::vector<std::uint64_t>& keys) const;

 private:
  static constexpr int kChunk = 1024;  // blocks that a search reads under one lock

  struct Chunk {
    Block blocks[kChunk];
    std::uint64_t keys[kChunk];
  };
  // Chunks of large indexes lie in huge pages: a scan reads all of them, and would miss a translation every 11 blocks.
  static constexpr std::size_t kRegion = 2 * store::kHugePage;  // bytes
  static constexpr int kRegionChunks = kRegion / sizeof(Chunk);
  static_assert(kRegionChunks * sizeof(Chunk) > kRegion / 100 * 95);
  struct Kept {                   // one view of one print
    std::uint8_t* bytes = nullptr;  // of the arena: a Row a minutia, in the blocks' order; then codes' halves not in blocks
    std::uint16_t n = 0, blocks = 0;
    std::uint32_t slots[kMaxBlocks] = {};
  };
  struct Print {
    Kept first;                   // nearly all prints have just one
    std::unique_ptr<std::vector<Kept>> more;
  };
  static constexpr std::uint32_t kPage = 1024;  // prints that lie together

  struct Made {  // a view, ready to be put in
    std::vector<Row> rows;
    std::vector<std::uint64_t> low;
    int n = 0, count = 0;  // of minutiae, and of blocks
    std::array<Block, kMaxBlocks> blocks;
    void begin(int minutiae);  // makes room for them
    void end();                // the rows are there: lays out the blocks
    ~Made();                   // overwrites
  };
  static void make(const Minutiae& print, Made& made);
  void put_in(std::uint64_t key, const Made* views, std::size_t count);  // under the lock
  bool take_out(std::uint64_t key);                                      // under the lock
  void unpack(const Kept& kept, Minutiae& print) const;
  Print* find(std::uint64_t key) const;  // nullptr if it is not there
  std::uint32_t take_slot();
  void add_chunks();
  template <class Visit>
  static void each(const Print& print, Visit visit);
  float exact(const Probe& probe, const Print& print, float least_agreement, Minutiae& reference,
              Scratch& scratch) const;

  // Readers wait behind a writer (glibc's lock alone lets a stream of readers starve it).
  mutable std::mutex gate_;
  mutable std::shared_mutex guard_;
  store::Handles at_;                               // by key, where its print is
  std::vector<std::unique_ptr<Print[]>> prints_;    // pages of `kPage`
  std::uint32_t prints_used_ = 0;
  std::vector<std::uint32_t> prints_free_;
  std::vector<Chunk*> chunks_;
  std::vector<store::Region> regions_;              // that the chunks lie in
  std::uint32_t used_ = 0;
  std::vector<std::uint32_t> free_;
  store::Arena arena_;
};

}  // namespace limen::ridge
