// Weights as Python hands them over: arrays of float32 by name.
#pragma once

#include <algorithm>
#include <map>
#include <stdexcept>
#include <string>
#include <utility>
#include <vector>

#include "memory.hpp"
#include "tiles.hpp"

namespace limen::amx {

struct Array {
    const float* data;
    std::vector<int> shape;
};

/// All of them, by name; `at` throws std::invalid_argument where one is missing or has another shape (0: any).
class Arrays {
  public:
    void add(std::string name, Array array) { arrays_[std::move(name)] = std::move(array); }
    const Array& at(const std::string& name, const std::vector<int>& shape) const {
        const auto found = arrays_.find(name);
        if (found == arrays_.end()) throw std::invalid_argument("missing array " + name);
        const Array& array = found->second;
        bool fits = array.shape.size() == shape.size();
        for (std::size_t i = 0; fits && i < shape.size(); ++i) fits = !shape[i] || shape[i] == array.shape[i];
        if (!fits) throw std::invalid_argument("array " + name + " has another shape");
        return array;
    }

  private:
    std::map<std::string, Array> arrays_;
};

/// Values of a vector length, filled up with zeros.
inline Buffer<float> padded(const Array& array) {
    int count = 1;
    for (int side : array.shape) count *= side;
    Buffer<float> buffer;
    buffer.resize(rounded(count, kColumns));
    std::copy_n(array.data, count, buffer.data());
    return buffer;
}

}  // namespace limen::amx
