"""What a post sends: the capture container, the offer that it is sealed to, the seal, and the device's signature."""
