"""The opener: a zygote with the models loaded, and one single-use worker for every capture or file.

`process` accepts and hands over, `pool` forks and buries, `worker` is a worker's life, `probe` and `enrol` are its two
kinds of work, `examine` is one image to one template, `tools` are the models and decoders.
"""

#: Of the opener's process. Huge pages make forking and burying a worker cheap (decision 0171); the others have every
#: block come from the one heap, which `heap.settle` lays out for the forks: none by a mapping of its own (256 MB are
#: more than any), nothing given back while a worker lives, and its end grown in steps of 64 MB.
ENVIRONMENT = {
    "GLIBC_TUNABLES": "glibc.malloc.hugetlb=1:glibc.malloc.mmap_threshold=268435456"
    ":glibc.malloc.trim_threshold=1073741824:glibc.malloc.top_pad=67108864"
}
