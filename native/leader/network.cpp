#include "network.hpp"

#include <algorithm>
#include <cmath>

#include "vector.hpp"

namespace limen::leader {
namespace {

__m512 channels_of(const float* rows) { return _mm512_loadu_ps(rows); }

void store(float* to, __m512 value) { _mm512_storeu_ps(to, value); }
void store(std::uint16_t* to, __m512 value) {
    _mm256_storeu_si256(reinterpret_cast<__m256i*>(to), (__m256i)_mm512_cvtneps_pbh(value));
}

/// Rows as they are into the first channels of a map.
template <class T>
void copy(const float* rows, int stride, int channels, Map<T>& to) {
    for (int y = 0; y < to.height(); ++y)
        for (int x = 0; x < to.width(); ++x, rows += stride)
            for (int c = 0; c < channels; c += kLanes) store(to.at(y, x) + c, channels_of(rows + c));
}

/// Rows of half the sides into the channels of a map from `first` on, each pixel four times.
template <class T>
void grow(const float* rows, int stride, int channels, Map<T>& to, int first) {
    for (int y = 0; y < to.height(); y += 2)
        for (int x = 0; x < to.width(); x += 2, rows += stride)
            for (int c = 0; c < channels; c += kLanes) {
                const __m512 value = channels_of(rows + c);
                for (int n = 0; n < 4; ++n) store(to.at(y + n / 2, x + n % 2) + first + c, value);
            }
}

/// Rows of twice the sides, four pixels to one: the larger in the first half of the channels, the mean in the second.
template <class T>
void pool(const float* rows, int stride, int channels, Map<T>& to) {
    const __m512 quarter = _mm512_set1_ps(0.25f);
    const std::ptrdiff_t line = static_cast<std::ptrdiff_t>(2) * to.width() * stride;
    for (int y = 0; y < to.height(); ++y, rows += line)
        for (int x = 0; x < to.width(); ++x, rows += 2 * stride)
            for (int c = 0; c < channels; c += kLanes) {
                const __m512 a = channels_of(rows + c), b = channels_of(rows + stride + c);
                const __m512 d = channels_of(rows + line + c), e = channels_of(rows + line + stride + c);
                const __m512 most = _mm512_max_ps(_mm512_max_ps(a, b), _mm512_max_ps(d, e));
                const __m512 mean = _mm512_mul_ps(quarter, _mm512_add_ps(_mm512_add_ps(a, b), _mm512_add_ps(d, e)));
                const int left = channels / 2 - c;  // channels of this vector that take the larger
                const __mmask16 larger = left >= 16 ? 0xffff : left <= 0 ? 0 : static_cast<__mmask16>((1 << left) - 1);
                store(to.at(y, x) + c, _mm512_mask_blend_ps(larger, mean, most));
            }
}

}  // namespace

struct Network::Layers {
    explicit Layers(const Arrays& a)
        : stem(a), down0{{a, "enc0_0"}, {a, "enc0_1"}, {a, "enc0_2"}, {a, "enc0_3"}},
          up0{{a, "dec0_0"}, {a, "dec0_1"}, {a, "dec0_2"}, {a, "dec0_3"}}, attention(a),
          down1{{a, "enc1_0"}, {a, "enc1_1"}, {a, "enc1_2"}, {a, "enc1_3"}},
          up1{{a, "dec1_0"}, {a, "dec1_1"}, {a, "dec1_2"}, {a, "dec1_3"}}, position(a), direction(a, "head1", 2),
          kind(a, "head2", 1) {}

    void first(const std::uint8_t* grey, int height, int width, std::ptrdiff_t row);
    void second();
    void describe(std::vector<Minutia>& found);

    Stem stem;
    Separable down0[4], up0[4];  // by level: 0 at half resolution, 3 at a sixteenth
    Attention attention;
    Bottleneck down1[4], up1[4];
    PositionHead position;
    Head direction, kind;

    Workspace work;
    Map<std::uint16_t> image, attended, into_down1[4], into_up1[4], last;
    Map<float> into_down0[4], into_up0[4];
};

/// The first U-Net, from the image to the input of the second.
void Network::Layers::first(const std::uint8_t* grey, int height, int width, std::ptrdiff_t row) {
    image.resize(height, width, 1, 4);
    for (int y = 0; y < height; ++y, grey += row)
        for (int x = 0; x < width; ++x) *image.at(y, x) = bf16(static_cast<float>(grey[x]));
    const int h = height / 2, w = width / 2;
    work.resize(h, w);
    attended.resize(h, w, 32, 6);
    into_down1[0].resize(h, w, 64, 3);
    for (int level = 0; level < 4; ++level) {
        into_down0[level].resize(h >> level, w >> level, level ? down0[level - 1].channels() : 16, 2);
        into_up0[level].resize(h >> (level + 1), w >> (level + 1),
                               level == 3 ? down0[3].channels() : down0[level + 1].channels() + up0[level + 1].channels(), 2);
    }
    stem.run(image, into_down0[0], into_down1[0]);
    for (int level = 0; level < 4; ++level) {
        const Separable& layer = down0[level];
        layer.run(into_down0[level], work);
        if (level == 0) copy(work.out.data(), layer.stride(), layer.channels(), attended);
        else copy(work.out.data(), layer.stride(), layer.channels(), into_up0[level - 1]);
        pool(work.out.data(), layer.stride(), layer.channels(), level < 3 ? into_down0[level + 1] : into_up0[3]);
    }
    for (int level = 3; level >= 0; --level) {
        const Separable& layer = up0[level];
        layer.run(into_up0[level], work);
        if (level) grow(work.out.data(), layer.stride(), layer.channels(), into_up0[level - 1], down0[level].channels());
        else grow(work.out.data(), layer.stride(), layer.channels(), attended, down0[0].channels());
    }
    attention.run(attended, into_down1[0]);
}

/// The second U-Net, to the map that all heads read.
void Network::Layers::second() {
    const int h = into_down1[0].height(), w = into_down1[0].width();
    const auto padded_channels = [](const Bottleneck& skipped, const Bottleneck& grown) {
        return rounded(skipped.channels() + rounded(grown.channels(), kLanes), kDepth);
    };
    for (int level = 1; level < 4; ++level)
        into_down1[level].resize(h >> level, w >> level, down1[level - 1].channels(), 3);
    for (int level = 0; level < 4; ++level)
        into_up1[level].resize(h >> (level + 1), w >> (level + 1),
                               level == 3 ? down1[3].channels() : padded_channels(down1[level + 1], up1[level + 1]), 3);
    last.resize(h, w, padded_channels(down1[0], up1[0]), 4);
    for (int level = 0; level < 4; ++level) {
        const Bottleneck& layer = down1[level];
        layer.run(into_down1[level], work);
        copy(work.out.data(), layer.stride(), layer.channels(), level ? into_up1[level - 1] : last);
        pool(work.out.data(), layer.stride(), layer.channels(), level < 3 ? into_down1[level + 1] : into_up1[3]);
    }
    for (int level = 3; level >= 0; --level) {
        const Bottleneck& layer = up1[level];
        layer.run(into_up1[level], work);
        Map<std::uint16_t>& to = level ? into_up1[level - 1] : last;
        const int first = down1[level].channels();
        grow(work.out.data(), layer.stride(), to.channels() - first, to, first);  // padding too, which is zero
    }
}

/// Direction and kind of minutiae, from the 3x3 pixels of half resolution around each.
void Network::Layers::describe(std::vector<Minutia>& found) {
    std::vector<std::pair<int, int>> around;
    for (const Minutia& one : found) around.emplace_back(static_cast<int>(one.y) / 2, static_cast<int>(one.x) / 2);
    Buffer<float> rows;
    rows.resize(around.size() * 9 * kColumns);
    for (const Head* head : {&direction, &kind}) {
        head->bottleneck().run_around(last, around, rows.data(), work);
        for (std::size_t n = 0; n < found.size(); ++n) {
            float pixels[36] = {}, out[2];
            for (int i = 0; i < 9; ++i) {
                const int y = around[n].first + i / 3 - 1, x = around[n].second + i % 3 - 1;
                if (y < 0 || y >= last.height() || x < 0 || x >= last.width()) continue;  // padding is zero
                std::copy_n(rows.data() + (9 * n + i) * kColumns, 4, pixels + 4 * i);
                head->mix(pixels + 4 * i);
            }
            head->finish(pixels, static_cast<int>(found[n].y) % 2, static_cast<int>(found[n].x) % 2, out);
            if (head == &direction) found[n].angle = std::atan2(out[1], out[0]);
            else found[n].ending = 1 / (1 + std::exp(-out[0]));
        }
    }
}

Network::Network(const Arrays& arrays) : layers_(std::make_unique<Layers>(arrays)) {}
Network::~Network() = default;

std::vector<Minutia> Network::read(const std::uint8_t* grey, int height, int width, std::ptrdiff_t row, float threshold) {
    configure_tiles();
    layers_->first(grey, height, width, row);
    layers_->second();
    std::vector<Minutia> found = layers_->position.run(layers_->last, threshold, layers_->work);
    layers_->describe(found);
    _tile_release();
    return found;
}

}  // namespace limen::leader
