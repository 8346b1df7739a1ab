"""Scenarios: generators (kind, seed) of people who write and of things that go wrong, with the truth behind them. What
must, may and must not go to a person is worked out from that truth; what came of it is read off the record."""
