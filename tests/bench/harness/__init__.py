"""What the benchmarks share: see tests/bench/README.md for the map."""
