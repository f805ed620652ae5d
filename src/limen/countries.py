"""Countries by ISO 3166-1 alpha-3 code, with the bit that stands for each in visibility bitmaps."""
