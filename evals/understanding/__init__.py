"""How well messages are understood: people's rows that nobody here wrote, and texts of our own held apart."""
