"""Training of the comparator's weights (native/ridge/*_weights.hpp): `python -m training.ridge`."""
