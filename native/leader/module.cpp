// Python's way in: limen.ridge._leader.
#include <nanobind/nanobind.h>
#include <nanobind/ndarray.h>

#include <cstring>
#include <stdexcept>

#include "amx/binding.hpp"
#include "amx/supported.hpp"
#include "network.hpp"

namespace nb = nanobind;
using namespace limen::leader;

namespace {

constexpr int kMaxSide = 4096;  // pixels; larger images come in tiles

using Grey = nb::ndarray<const std::uint8_t, nb::ndim<2>, nb::c_contig, nb::device::cpu>;

Network* make(const nb::dict& named) {
    if (!supported()) throw std::runtime_error("this processor has no AMX with bfloat16");
    return new Network(arrays_of(named));
}

nb::ndarray<nb::numpy, float, nb::ndim<2>> minutiae(Network& network, const Grey& grey, float threshold) {
    const int height = static_cast<int>(grey.shape(0)), width = static_cast<int>(grey.shape(1));
    if (height < 32 || width < 32 || height > kMaxSide || width > kMaxSide || height % 32 || width % 32)
        throw std::invalid_argument("sides must be multiples of 32, up to 4096");
    const std::vector<Minutia> found = network.read(grey.data(), height, width, width, threshold);
    constexpr std::size_t kFields = sizeof(Minutia) / sizeof(float);
    auto* rows = new float[found.size() * kFields + 1];
    if (!found.empty()) std::memcpy(rows, found.data(), found.size() * sizeof(Minutia));
    nb::capsule owner(rows, [](void* p) noexcept { delete[] static_cast<float*>(p); });
    return nb::ndarray<nb::numpy, float, nb::ndim<2>>(rows, {found.size(), kFields}, owner);
}

}  // namespace

NB_MODULE(_leader, module) {
    module.doc() = "LEADER on AMX tiles.";
    module.def("supported", &supported, "Whether this processor and system let this process use AMX with bfloat16.");
    nb::class_<Network>(module, "Network")
        .def(nb::new_(&make), nb::arg("arrays"))
        .def("read", &minutiae, nb::arg("grey"), nb::arg("threshold"),
             "Minutiae of uint8 (h, w): float32 (n, 7), x, y, shifts to the peak, angle, endingness, sureness.");
}
