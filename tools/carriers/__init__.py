"""Carriers: what it costs to let somebody else deliver. One file a carrier, all behind port.py."""
