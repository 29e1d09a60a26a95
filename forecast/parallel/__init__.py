"""Work shared by several processes: ranks, sharded weights, reading ahead."""
