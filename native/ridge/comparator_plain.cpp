#define LIMEN_LEVEL plain
#include "ridge/comparator.inc"
