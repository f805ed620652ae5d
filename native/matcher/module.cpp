// The matcher's kernels for Python. Every size and index is checked here, before a kernel sees a pointer.
#include <nanobind/nanobind.h>
#include <nanobind/ndarray.h>
#include <nanobind/stl/pair.h>

#include <cstring>
#include <initializer_list>
#include <stdexcept>

#include "matcher/directory.hpp"
#include "matcher/scan.hpp"

namespace nb = nanobind;
using namespace nb::literals;
using namespace limen::matcher;

namespace {

template <typename T, std::size_t N>
using Array = nb::ndarray<const T, nb::ndim<N>, nb::c_contig, nb::device::cpu>;

constexpr std::size_t kMostProbes = 1024, kMostBest = 65536;

template <typename T>
nb::ndarray<nb::numpy, T> owned(std::vector<T>&& values, std::initializer_list<std::size_t> shape) {
  auto* kept = new std::vector<T>(std::move(values));
  nb::capsule owner(kept, [](void* p) noexcept { delete static_cast<std::vector<T>*>(p); });
  return nb::ndarray<nb::numpy, T>(kept->data(), shape, owner);
}

nb::tuple scan_rows(Array<std::int8_t, 2> values, Array<float, 1> scales, Array<std::int32_t, 1> slots,
                    Array<std::uint8_t, 1> allowed, Array<std::int8_t, 2> probes, Array<float, 1> probe_scales,
                    std::size_t limit, int threads, int level) {
  const std::size_t n = values.shape(0), width = values.shape(1), count = probes.shape(0);
  if (width == 0 || width % 64 || width > 4096 || probes.shape(1) != width) throw nb::value_error("widths do not fit");
  if (scales.shape(0) != n || slots.shape(0) != n || probe_scales.shape(0) != count)
    throw nb::value_error("numbers of rows do not fit");
  if (count > kMostProbes || limit > kMostBest) throw nb::value_error("too many probes or results");
  for (std::size_t r = 0; r < n; ++r)
    if (slots.data()[r] < 0 || static_cast<std::size_t>(slots.data()[r]) >= allowed.shape(0))
      throw nb::value_error("a slot is out of range");
  const Rows rows{values.data(), scales.data(), slots.data(), n, width};
  const Probes wanted{probes.data(), probe_scales.data(), count};
  const Level chosen = level < 0 ? best_level() : static_cast<Level>(std::min(level, 2));
  std::vector<Ranking> found(count, Ranking(limit));
  if (limit > 0) {
    nb::gil_scoped_release release;
    found = scan(rows, wanted, allowed.data(), limit, threads, chosen);
  }
  std::vector<std::int64_t> best(count * limit, -1);
  std::vector<float> scores(count * limit, -2.0f);
  for (std::size_t p = 0; p < count; ++p) {
    const std::vector<Best> sorted = found[p].sorted();
    for (std::size_t k = 0; k < sorted.size(); ++k) {
      best[p * limit + k] = sorted[k].row;
      scores[p * limit + k] = sorted[k].score;
    }
  }
  return nb::make_tuple(owned(std::move(best), {count, limit}), owned(std::move(scores), {count, limit}));
}

constexpr std::size_t kAhead = 8;  // samples that the processor fetches meanwhile

void put_many(Directory& directory, Array<std::uint64_t, 1> handles, Array<std::int32_t, 1> slots,
              Array<std::uint32_t, 1> kinds, Array<std::int32_t, 1> clear) {
  const std::size_t n = handles.shape(0);
  if (slots.shape(0) != n || kinds.shape(0) != n || clear.shape(0) != n) throw nb::value_error("numbers of rows do not fit");
  for (std::size_t k = 0; k < n; ++k) {
    if (k + kAhead < n) directory.expect(handles.data()[k + kAhead]);
    directory.put(handles.data()[k], slots.data()[k], kinds.data()[k], clear.data()[k]);
  }
}

// -1 for handles that are not there.
nb::ndarray<nb::numpy, std::int64_t> slots_of(const Directory& directory, Array<std::uint64_t, 1> handles) {
  const std::size_t n = handles.shape(0);
  std::vector<std::int64_t> slots(n, -1);
  for (std::size_t k = 0; k < n; ++k) {
    if (k + kAhead < n) directory.expect(handles.data()[k + kAhead]);
    if (const Sample* sample = directory.find(handles.data()[k])) slots[k] = sample->slot;
  }
  return owned(std::move(slots), {n});
}

nb::list samples_of(const Directory& directory, std::int32_t slot) {
  nb::list found;
  directory.each(slot, [&](const Sample& one) { found.append(nb::make_tuple(one.handle, one.kind, one.clear)); });
  return found;
}

void remove_many(Directory& directory, Array<std::uint64_t, 1> handles) {
  for (std::size_t k = 0; k < handles.shape(0); ++k) directory.remove(handles.data()[k]);
}

// Handles, kinds and classes of clear minutiae of all samples in some slots.
nb::tuple of_slots(const Directory& directory, Array<std::int32_t, 1> slots) {
  std::vector<std::uint64_t> handles;
  std::vector<std::uint32_t> kinds;
  std::vector<std::int32_t> clear;
  for (std::size_t k = 0; k < slots.shape(0); ++k)
    directory.each(slots.data()[k], [&](const Sample& one) {
      handles.push_back(one.handle);
      kinds.push_back(one.kind);
      clear.push_back(one.clear);
    });
  const std::size_t n = handles.size();
  return nb::make_tuple(owned(std::move(handles), {n}), owned(std::move(kinds), {n}), owned(std::move(clear), {n}));
}

// Handles of the samples of a kind in the slots that are allowed.
nb::ndarray<nb::numpy, std::uint64_t> of_kind(const Directory& directory, Array<std::uint8_t, 1> allowed,
                                              std::uint32_t kind) {
  std::vector<std::uint64_t> found;
  for (std::size_t slot = 0; slot < allowed.shape(0); ++slot)
    if (allowed.data()[slot])
      directory.each(static_cast<std::int32_t>(slot), [&](const Sample& one) {
        if (one.kind == kind) found.push_back(one.handle);
      });
  const std::size_t n = found.size();
  return owned(std::move(found), {n});
}

}  // namespace

NB_MODULE(_native, module) {
  module.def("scan", &scan_rows, "values"_a, "scales"_a, "slots"_a, "allowed"_a, "probes"_a, "probe_scales"_a,
             "limit"_a, "threads"_a = 1, "level"_a = -1);
  nb::class_<Directory>(module, "Directory")
      .def(nb::init<>())
      .def("__len__", &Directory::size)
      .def_prop_ro("memory", &Directory::memory)
      .def("put_many", &put_many, "handles"_a, "slots"_a, "kinds"_a, "clear"_a)
      .def("remove", &Directory::remove, "handle"_a)
      .def("remove_many", &remove_many, "handles"_a)
      .def("slots_of", &slots_of, "handles"_a)
      .def("samples_of", &samples_of, "slot"_a)
      .def("of_slots", &of_slots, "slots"_a)
      .def("of_kind", &of_kind, "allowed"_a, "kind"_a);
  module.def("best_level", [] { return static_cast<int>(best_level()); });
}
