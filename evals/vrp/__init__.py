"""Our engines and the peers on the same public instances, in one run on one machine: `make bench ARGS="--vrp"`."""
