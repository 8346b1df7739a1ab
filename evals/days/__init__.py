"""Lived days compared: ours, nobody deciding, a rule book, and hindsight. Read off the record of each day."""
