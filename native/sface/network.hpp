// SFace as a whole. See limen.models.sface_fold for what its arrays are and how they follow from the ONNX graph.
#pragma once

#include <cstdint>
#include <memory>

#include "amx/arrays.hpp"

namespace limen::sface {

class Network {
  public:
    /// Throws std::invalid_argument if an array is missing or has a wrong shape.
    explicit Network(const amx::Arrays& arrays);
    ~Network();
    /// Numbers of a template.
    int size() const;
    /// `faces`: `count` times uint8 (112, 112, 3), red, green, blue; `out`: `count` times `size()`. Not to be called by two
    /// threads at once.
    void embed(const std::uint8_t* faces, int count, float* out);

  private:
    struct Layers;
    std::unique_ptr<Layers> layers_;
};

}  // namespace limen::sface
