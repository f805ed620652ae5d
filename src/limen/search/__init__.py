"""The life of a probe, step by step: admit, offer, relay, identify, answer, forget.

`life.Searches` is the whole life on one screen; each step is a module of its own. An open search is held in memory
alone (`open`), with a deadline at each step; a search without a hit never touches the database, a file or a log.

What goes wrong, and what the officer hears:

| what | answer |
|---|---|
| no worker, no matcher or no vault when a search is opened | 503, with when to try again; nothing was captured yet |
| the capture cannot be opened: wrong key, tampered, not a capture | 422; nothing was processed |
| the worker dies over the capture | `cannot-tell`, `decoder-died` |
| its time is over, as the hub is busy or an image was made to take long | `cannot-tell`, `took-too-long` |
| the matcher dies or restarts before it has decided | `cannot-tell`, `gallery-incomplete` |
| the gallery is not complete | the matcher's own `cannot-tell` or `hit`; never `no-hit` |
| the vault is gone after a hit | `hit`, without the sealed fields, and whom to call |
| the post hangs up before the capture is complete | nothing is processed; worker and search are gone |
"""
