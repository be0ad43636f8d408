"""The agent clients of a machine: where each keeps its tools, reading them, and editing our keys alone."""
