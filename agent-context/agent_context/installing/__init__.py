"""Put what this program offers into coding agents, and take it out: a plan, then the clients' own commands."""
