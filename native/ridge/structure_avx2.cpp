#define LIMEN_LEVEL avx2
#include "ridge/structure.inc"
