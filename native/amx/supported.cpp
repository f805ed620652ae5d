// Compiled without any instruction set of its own: it must run everywhere.
#include "supported.hpp"

#if defined(__x86_64__) && defined(__linux__)
#include <cpuid.h>
#include <sys/syscall.h>
#include <unistd.h>

namespace limen::amx {
namespace {

constexpr int kRequestPermission = 0x1023;  // ARCH_REQ_XCOMP_PERM (Linux 5.16, arch/x86/include/uapi/asm/prctl.h)
constexpr int kTileData = 18;               // XFEATURE_XTILEDATA

bool has_instructions() {
    unsigned a, b, c, d;
    if (!__get_cpuid_count(7, 1, &a, &b, &c, &d) || !(a >> 5 & 1)) return false;  // AVX512_BF16
    if (!__get_cpuid_count(7, 0, &a, &b, &c, &d)) return false;
    const bool avx512 = (b >> 16 & 1) && (b >> 17 & 1) && (b >> 30 & 1) && (b >> 31 & 1);  // F, DQ, BW, VL
    return avx512 && (d >> 22 & 1) && (d >> 24 & 1);                                       // AMX-BF16, AMX-TILE
}

bool system_saves_vectors() {
    unsigned a, b, c, d;
    if (!__get_cpuid(1, &a, &b, &c, &d) || !(c >> 27 & 1)) return false;  // OSXSAVE
    unsigned low, high;
    __asm__("xgetbv" : "=a"(low), "=d"(high) : "c"(0));
    return (low & 0x600e6) == 0x600e6;  // SSE, AVX, the three of AVX-512, both of AMX
}

}  // namespace

bool supported() {
    static const bool allowed = has_instructions() && system_saves_vectors() &&
                                syscall(SYS_arch_prctl, kRequestPermission, kTileData) == 0;
    return allowed;
}

}  // namespace limen::amx
#else
namespace limen::amx {
bool supported() { return false; }
}  // namespace limen::amx
#endif
