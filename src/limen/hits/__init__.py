"""What follows a hit: the claimed identity compared, the record shown as far as its owner allows, the hit kept."""
