"""Training: samples, objectives, stages and the loop, on one process or many."""
