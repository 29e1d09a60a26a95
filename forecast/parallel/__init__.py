"""Work shared by several processes or threads: ranks, sharded weights, prefetching."""
