// Python's way in: limen.face._sface.
#include <nanobind/nanobind.h>
#include <nanobind/ndarray.h>

#include <stdexcept>

#include "amx/binding.hpp"
#include "amx/supported.hpp"
#include "network.hpp"

namespace nb = nanobind;
using limen::sface::Network;

namespace {

constexpr std::size_t kSide = 112, kColours = 3;

using Faces = nb::ndarray<const std::uint8_t, nb::ndim<4>, nb::c_contig, nb::device::cpu>;

Network* make(const nb::dict& named) {
    if (!limen::amx::supported()) throw std::runtime_error("this processor has no AMX with bfloat16");
    return new Network(limen::amx::arrays_of(named));
}

nb::ndarray<nb::numpy, float, nb::ndim<2>> embed(Network& network, const Faces& faces) {
    if (faces.shape(1) != kSide || faces.shape(2) != kSide || faces.shape(3) != kColours)
        throw std::invalid_argument("faces are uint8 (n, 112, 112, 3)");
    const std::size_t count = faces.shape(0), size = static_cast<std::size_t>(network.size());
    auto* made = new float[count * size + 1];
    nb::capsule owner(made, [](void* p) noexcept { delete[] static_cast<float*>(p); });
    network.embed(faces.data(), static_cast<int>(count), made);
    return nb::ndarray<nb::numpy, float, nb::ndim<2>>(made, {count, size}, owner);
}

}  // namespace

NB_MODULE(_sface, module) {
    module.doc() = "SFace on AMX tiles.";
    module.def("supported", &limen::amx::supported,
               "Whether this processor and system let this process use AMX with bfloat16.");
    nb::class_<Network>(module, "Network")
        .def(nb::new_(&make), nb::arg("arrays"))
        .def("embed", &embed, nb::arg("faces"), "Raw embeddings float32 (n, size) of uint8 (n, 112, 112, 3), RGB.");
}
