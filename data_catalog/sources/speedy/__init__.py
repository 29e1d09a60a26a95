"""Simulated weather that is made when it is asked for, by the climate model SPEEDY in a process of its own."""
