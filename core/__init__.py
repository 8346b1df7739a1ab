"""What is true: records, clock, settings, store. Knows facts; never a cost, a choice or a side effect."""
