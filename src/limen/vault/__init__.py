"""Keys, and sealing with them.

`seal` is the form of a sealed blob, `keys` the ring of a hub's keys, `custody` who holds the key above them, `service`
what the vault answers to whom, `process` the vault itself, `client` how the others ask it.
"""
