// LEADER as a whole. See limen.models.leader_fold for what its arrays are and how they follow from the ONNX graph.
#pragma once

#include <cstdint>
#include <memory>
#include <vector>

#include "heads.hpp"

namespace limen::leader {

class Network {
  public:
    /// Throws std::invalid_argument if an array is missing or has a wrong shape.
    explicit Network(const Arrays& arrays);
    ~Network();
    /// Minutiae of a grey image (`height` x `width`, multiples of 32, rows `row` bytes apart), row by row from the top.
    /// Not to be called by two threads at once.
    std::vector<Minutia> read(const std::uint8_t* grey, int height, int width, std::ptrdiff_t row, float threshold);

  private:
    struct Layers;
    std::unique_ptr<Layers> layers_;
};

}  // namespace limen::leader
