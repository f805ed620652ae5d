// From a Python dict of float32 arrays to the weights of a network. They must outlive what is made from them.
#pragma once

#include <nanobind/nanobind.h>
#include <nanobind/ndarray.h>
#include <nanobind/stl/string.h>

#include <string>
#include <utility>

#include "amx/arrays.hpp"

namespace limen::amx {

inline Arrays arrays_of(const nanobind::dict& named) {
    using Values = nanobind::ndarray<const float, nanobind::c_contig, nanobind::device::cpu>;
    Arrays arrays;
    for (const auto& [name, value] : named) {
        const auto values = nanobind::cast<Values>(value);
        Array array{values.data(), {}};
        for (std::size_t i = 0; i < values.ndim(); ++i) array.shape.push_back(static_cast<int>(values.shape(i)));
        arrays.add(nanobind::cast<std::string>(name), std::move(array));
    }
    return arrays;
}

}  // namespace limen::amx
