#define LIMEN_LEVEL avx512
#include "ridge/structure.inc"
