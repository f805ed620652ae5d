#define LIMEN_LEVEL plain
#include "ridge/scan.inc"
