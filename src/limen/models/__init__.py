"""Model files from installed packages: found without importing the package, checked by SHA-256, prepared, opened.

A model is described by a manifest, `NAME.toml` in this folder. A file that is not exactly the one that the manifest
names is never opened.
"""

from limen.models.installed import load, names, read, session
from limen.models.manifest import Manifest, manifest

__all__ = ["Manifest", "load", "manifest", "names", "read", "session"]
