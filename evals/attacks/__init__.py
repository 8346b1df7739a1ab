"""Attacks: a planner that was taken over plays the attacker's calls through the desk. Judged by the world after."""
