"""The reference client: asks a hub over HTTP, checks that it is the hub, seals what it sends, signs every request."""
