// Whether the kernels on AMX tiles may be used.
#pragma once

namespace limen::amx {

/// Asks the processor and the operating system for AVX-512 with bfloat16 and AMX tiles; true if this process may use
/// them. Compiled without them: it runs everywhere.
bool supported();

}  // namespace limen::amx
