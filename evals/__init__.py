"""How we know: the simulated world, the client it uses, and the reports. A judgement of ourselves lives here."""
