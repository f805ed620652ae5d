// Python bindings of the friction ridge kernels (limen.ridge._native).
#include <nanobind/nanobind.h>
#include <nanobind/ndarray.h>
#include <nanobind/stl/array.h>
#include <nanobind/stl/unique_ptr.h>
#include <nanobind/stl/vector.h>

#include <algorithm>
#include <array>
#include <cstring>
#include <memory>
#include <numeric>
#include <utility>

#include "ridge/comparator.hpp"
#include "ridge/index.hpp"
#include "ridge/scan.hpp"

namespace nb = nanobind;
using namespace nb::literals;
using namespace limen::ridge;

namespace {

using Keys = nb::ndarray<const std::uint64_t, nb::ndim<1>, nb::c_contig, nb::device::cpu>;
using Bytes = nb::ndarray<const std::uint8_t, nb::ndim<1>, nb::c_contig, nb::device::cpu>;
using Places = nb::ndarray<const std::int64_t, nb::ndim<1>, nb::c_contig, nb::device::cpu>;

thread_local Scratch scratch;

std::unique_ptr<Minutiae> prepare(nb::bytes packed) {
  auto print = std::make_unique<Minutiae>();
  const auto* data = static_cast<const std::uint8_t*>(packed.data());
  const std::size_t size = packed.size();
  nb::gil_scoped_release free;
  read_template(data, size, *print);
  describe(*print);
  return print;
}

Stored bytes_of(const nb::bytes& bytes) { return {static_cast<const std::uint8_t*>(bytes.data()), bytes.size()}; }

using Rule = std::array<int, 5>;
WholeRule rule_of(const Rule& rule) { return {rule[0], rule[1], rule[2], rule[3], rule[4]}; }

int blocks_of(const Minutiae& print, Block* blocks) {
  std::vector<Row> rows(print.n);
  std::vector<std::uint64_t> low(print.n);
  write_rows(print, block_order(print), rows.data(), low.data());
  return scan_blocks(rows.data(), low.data(), print.n, blocks);
}

Outcome run(const Minutiae& a, const Minutiae& b, Level level) {
  Outcome out;
  comparator(level)(view(a), view(b), scratch.room(a.padded, b.padded), out);
  return out;
}

Level level_of(int number) {
  if (number < -1 || number > 2) throw nb::value_error("The level must be -1 (best), 0, 1 or 2.");
  return number < 0 ? best_level() : static_cast<Level>(number);
}

template <class T>
nb::ndarray<nb::numpy, T> owned(std::vector<T>&& values, std::initializer_list<std::size_t> shape) {
  auto kept = std::make_unique<std::vector<T>>(std::move(values));
  T* data = kept->data();
  nb::capsule owner(kept.get(), [](void* p) noexcept { delete static_cast<std::vector<T>*>(p); });
  kept.release();
  return nb::ndarray<nb::numpy, T>(data, shape, owner);
}

struct References {  // borrowed from a list, kept alive while the GIL is released
  std::vector<const Minutiae*> prints;
  std::vector<nb::object> held;
  explicit References(nb::list list) {
    for (nb::handle item : list) {
      prints.push_back(&nb::cast<const Minutiae&>(item));
      held.push_back(nb::borrow(item));
    }
  }
};

nb::tuple answer(const std::vector<Found>& found) {
  std::vector<std::uint64_t> keys;
  std::vector<float> scores;
  for (const Found& one : found) keys.push_back(one.key), scores.push_back(one.score);
  const std::size_t count = found.size();
  return nb::make_tuple(owned(std::move(keys), {count}), owned(std::move(scores), {count}));
}

}  // namespace

NB_MODULE(_native, m) {
  nb::set_leak_warnings(false);
  nb::class_<Minutiae>(m, "Prepared")
      .def("__len__", [](const Minutiae& print) { return print.n; })
      .def_ro("position", &Minutiae::position)
      .def_ro("quality", &Minutiae::quality);

  m.def("best_level", [] { return static_cast<int>(best_level()); });
  m.def("prepare", &prepare, "packed"_a);
  m.def("codes_tag", &codes_tag);
  m.def("codes", [](nb::bytes packed, const std::vector<std::vector<std::uint16_t>>& rows) {
    std::vector<std::uint8_t> out;
    Minutiae print;
    read_template(bytes_of(packed).data, packed.size(), print);
    std::vector<std::vector<std::uint16_t>> chosen = rows;
    if (rows.empty()) chosen.emplace_back(print.n), std::iota(chosen[0].begin(), chosen[0].end(), std::uint16_t{0});
    std::vector<Minutiae> views;
    for (const std::vector<std::uint16_t>& one : chosen) {
      for (const std::uint16_t row : one)
        if (row >= print.n) throw nb::value_error("A view has a minutia that the print has not.");
      views.push_back(view_of(print, one));
      describe(views.back());
    }
    if (views.size() > kMaxViews) throw nb::value_error("A print has too many views.");
    out = write_codes(views, chosen);
    const nb::bytes codes(out.data(), out.size());
    explicit_bzero(out.data(), out.size());
    return codes;
  }, "packed"_a, "rows"_a);
  m.def("is_whole", [](nb::bytes packed, Rule rule) {
    return is_whole(bytes_of(packed).data, packed.size(), rule_of(rule));
  }, "packed"_a, "rule"_a);
  m.def("structures", [](const Minutiae& print) {
    std::vector<float> rows(static_cast<std::size_t>(print.n) * kStructure);
    local_structures(print, rows.data());
    return owned(std::move(rows), {static_cast<std::size_t>(print.n), kStructure});
  });
  m.def("compare", [](const Minutiae& a, const Minutiae& b, int level) {
    const Level chosen = level_of(level);
    nb::gil_scoped_release free;
    return run(a, b, chosen).score;
  }, "a"_a, "b"_a, "level"_a = -1);
  m.def("compare_many", [](const Minutiae& probe, nb::list references, int level) {
    const Level chosen = level_of(level);
    const References list(references);
    std::vector<float> scores(list.prints.size());
    {
      nb::gil_scoped_release free;
      for (std::size_t k = 0; k < scores.size(); ++k) scores[k] = run(probe, *list.prints[k], chosen).score;
    }
    const std::size_t count = scores.size();
    return owned(std::move(scores), {count});
  }, "probe"_a, "references"_a, "level"_a = -1);
  m.def("inputs", [](const Minutiae& probe, nb::list references, int level) {
    const Level chosen = level_of(level);
    const References list(references);
    std::vector<float> rows;
    for (const Minutiae* print : list.prints) {
      const Outcome out = run(probe, *print, chosen);
      rows.insert(rows.end(), out.inputs, out.inputs + kScoreInputs);
    }
    return owned(std::move(rows), {list.prints.size(), kScoreInputs});
  }, "probe"_a, "references"_a, "level"_a = -1);
  m.def("scan", [](const Minutiae& probe, nb::list references, int level) {
    const Level chosen = level_of(level);
    const References list(references);
    const ScanProbe ready = scan_probe(probe);
    std::vector<std::uint16_t> scores;
    for (const Minutiae* print : list.prints) {
      Block blocks[kMaxBlocks];
      std::uint16_t each[kMaxBlocks];
      const int count = blocks_of(*print, blocks);
      constexpr std::uint16_t kAll[kMaxBlocks] = {0, 1, 2, 3};
      scanner(chosen)(ready, blocks, kAll, count, each);
      scores.push_back(*std::max_element(each, each + count));
    }
    return owned(std::move(scores), {list.prints.size()});
  }, "probe"_a, "references"_a, "level"_a = -1);
  m.def("screen", [](const Minutiae& probe, nb::list references, int level) {
    const Level chosen = level_of(level);
    const References list(references);
    const ScanProbe ready = scan_probe(probe);
    std::vector<std::uint16_t> scores;
    for (const Minutiae* print : list.prints) {
      Block blocks[kMaxBlocks];
      std::uint16_t each[kMaxBlocks];
      const int count = blocks_of(*print, blocks);
      screener(chosen)(ready, blocks, count, each);
      scores.push_back(*std::max_element(each, each + count));
    }
    return owned(std::move(scores), {list.prints.size()});
  }, "probe"_a, "references"_a, "level"_a = -1);
  m.def("explain", [](const Minutiae& a, const Minutiae& b, int level) {
    const Level chosen = level_of(level);
    Outcome out;
    std::vector<std::int32_t> pairs;
    {
      nb::gil_scoped_release free;
      std::vector<std::int32_t> first(a.padded + 1), second(a.padded + 1);
      out.pairs_first = first.data(), out.pairs_second = second.data();
      comparator(chosen)(view(a), view(b), scratch.room(a.padded, b.padded), out);
      for (int k = 0; k < out.pairs; ++k) pairs.push_back(first[k]), pairs.push_back(second[k]);
    }
    const std::size_t count = pairs.size() / 2;
    return nb::make_tuple(out.score, owned(std::move(pairs), {count, 2}), out.cosine, out.sine, out.shift_x, out.shift_y);
  }, "a"_a, "b"_a, "level"_a = -1);

  nb::class_<Index>(m, "Index")
      .def(nb::init<>())
      .def("__len__", &Index::size)
      .def_prop_ro("memory", &Index::memory)
      .def("put", [](Index& index, std::uint64_t key, nb::list packed) {
        std::vector<nb::bytes> held;
        for (nb::handle item : packed) held.push_back(nb::cast<nb::bytes>(item));
        if (held.empty()) throw nb::value_error("A print has at least one view.");
        nb::gil_scoped_release free;
        std::vector<Minutiae> views(held.size());
        for (std::size_t v = 0; v < held.size(); ++v) {
          read_template(bytes_of(held[v]).data, held[v].size(), views[v]);
          describe(views[v]);
        }
        index.put(key, views);
      }, "key"_a, "packed"_a)
      .def("put_many", [](Index& index, Keys keys, Bytes content, Places begins, Places ends, Rule rule, int threads) {
        const std::vector<std::uint64_t> each(keys.data(), keys.data() + keys.size());
        if (begins.size() != each.size() || ends.size() != each.size())
          throw nb::value_error("As many keys as prints are needed.");
        std::vector<Stored> prints;
        prints.reserve(each.size());
        for (std::size_t k = 0; k < each.size(); ++k) {
          const std::int64_t begin = begins.data()[k], end = ends.data()[k];
          if (begin < 0 || end < begin || static_cast<std::size_t>(end) > content.size())
            throw nb::value_error("A print lies outside the content.");
          prints.push_back({content.data() + begin, static_cast<std::size_t>(end - begin)});
        }
        std::vector<std::int32_t> clear;
        {
          nb::gil_scoped_release free;
          clear = index.put_many(each, prints, rule_of(rule), threads);
        }
        const std::size_t count = clear.size();
        return owned(std::move(clear), {count});
      }, "keys"_a, "content"_a, "begins"_a, "ends"_a, "rule"_a, "threads"_a = 1)
      .def("remove", &Index::remove, "key"_a, nb::call_guard<nb::gil_scoped_release>())
      .def("remove_many", [](Index& index, Keys keys) {
        const nb::gil_scoped_release free;
        return index.remove_many(keys.data(), keys.size());
      }, "keys"_a)
      .def("search", [](const Index& index, nb::list probes, std::size_t limit, std::size_t survivors, int threads) {
        std::vector<References> held;
        for (nb::handle views : probes) held.emplace_back(nb::cast<nb::list>(views));
        std::vector<Probe> ready;
        for (const References& one : held) ready.push_back({one.prints});
        std::vector<std::vector<Found>> found;
        {
          nb::gil_scoped_release free;
          found = index.search(ready, limit, survivors, threads);
        }
        nb::list answers;
        for (const std::vector<Found>& one : found) answers.append(answer(one));
        return answers;
      }, "probes"_a, "limit"_a, "survivors"_a = 0, "threads"_a = 1)
      .def("search_among", [](const Index& index, nb::list views, Keys keys, std::size_t limit) {
        const References held(views);
        const std::vector<std::uint64_t> among(keys.data(), keys.data() + keys.size());
        std::vector<Found> found;
        {
          nb::gil_scoped_release free;
          found = index.search_among({held.prints}, limit, among);
        }
        return answer(found);
      }, "views"_a, "keys"_a, "limit"_a);
}
