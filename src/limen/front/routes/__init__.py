"""The front's addresses: searches, the hub itself, and the pages."""
