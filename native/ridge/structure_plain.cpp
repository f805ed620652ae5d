#define LIMEN_LEVEL plain
#include "ridge/structure.inc"
