"""The opener: a zygote with the models loaded, and one single-use worker for every capture or file.

`process` accepts and hands over, `pool` forks and buries, `worker` is a worker's life, `probe` and `enrol` are its two
kinds of work, `examine` is one image to one template, `tools` are the models and decoders.
"""

#: Of the opener's process. With its heap in huge pages, a fork and the burial of a worker take 5 ms instead of 30.
ENVIRONMENT = {"GLIBC_TUNABLES": "glibc.malloc.hugetlb=1"}
