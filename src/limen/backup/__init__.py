"""Backups: sealed, incremental, and unable to bring back what was shredded since.

`repository` keeps sealed chunks under names that follow from their content; `rows` and `files` cut a hub into chunks;
`mirror` is the one part that is not history: the record keys as they are now; `create`, `restore` and `check` are the
three things that are done with it (decision 0313).
"""
