"""Model files: found without running a package's code, checked by SHA-256, prepared, opened.

A model is described by a manifest, `NAME.toml`: in this folder for those that come in installed packages, in
`DATA/models` for an operator's own. A file that is not exactly the one that the manifest names is never opened.
"""

from limen.models.catalogue import added, folder_of, look_in, manifest, names, shipped
from limen.models.installed import load, read, session
from limen.models.manifest import Manifest

__all__ = ["Manifest", "added", "folder_of", "load", "look_in", "manifest", "names", "read", "session", "shipped"]
