#include "network.hpp"

#include <algorithm>
#include <stdexcept>
#include <string>
#include <vector>

#include "layers.hpp"

namespace limen::sface {

struct Network::Layers {
    First first;
    std::vector<Separable> separable;
    std::unique_ptr<Last> last;
    // intermediate memory: what a layer reads and what it writes, in turns
    Activations maps[2];
    Buffer<std::uint16_t> rows, ends;

    explicit Layers(const Arrays& arrays) : first(arrays) {
        const Array& strides = arrays.at("strides", {0});
        int channels = first.channels(), side = kSide;
        std::size_t most = static_cast<std::size_t>(kRows) * kDepth;
        for (int i = 0; i < strides.shape[0]; ++i) {
            const std::string name = "separable" + std::to_string(i);
            const int stride = strides.data[i] == 2 ? 2 : 1, columns = arrays.at(name + "/pointwise/bias", {0}).shape[0];
            if (channels % kDepth || columns % kColumns || columns > kWidest) throw std::invalid_argument(name + " has an odd width");
            side = (side - 1) / stride + 1;
            most = std::max(most, static_cast<std::size_t>(rounded(side * side, kRows)) * channels);
            separable.emplace_back(arrays, name, channels, columns, stride);
            channels = columns;
        }
        if (side * side != kPixels || channels % 64) throw std::invalid_argument("the last map is not 7 x 7");
        last = std::make_unique<Last>(arrays, channels);
        rows.resize(most);
        ends.resize(2 * static_cast<std::size_t>(last->length()));
    }

    void features(const std::uint8_t* face, std::uint16_t* to) {
        Activations* in = &maps[0];
        Activations* out = &maps[1];
        int side = kSide;
        in->resize(side, side, first.channels(), 1);
        first.run(face, rows.data(), *in);
        for (const Separable& layer : separable) {
            side = (side - 1) / layer.stride() + 1;
            out->resize(side, side, layer.channels(), 1);
            layer.run(*in, rows.data(), *out);
            std::swap(in, out);
        }
        for (int y = 0; y < side; ++y, to += side * in->channels()) std::copy_n(in->at(y, 0), side * in->channels(), to);
    }
};

Network::Network(const amx::Arrays& arrays) : layers_(std::make_unique<Layers>(arrays)) {}
Network::~Network() = default;
int Network::size() const { return layers_->last->size(); }

void Network::embed(const std::uint8_t* faces, int count, float* out) {
    configure_tiles();
    for (int done = 0; done < count; done += 2) {
        const int now = std::min(2, count - done);
        for (int i = 0; i < now; ++i)
            layers_->features(faces + static_cast<std::size_t>(done + i) * kSide * kSide * kColours,
                              layers_->ends.data() + static_cast<std::size_t>(i) * layers_->last->length());
        layers_->last->run(layers_->ends.data(), now, out + static_cast<std::size_t>(done) * size());
    }
    _tile_release();
}

}  // namespace limen::sface
