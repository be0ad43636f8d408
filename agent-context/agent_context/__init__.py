"""agent-context: what one coding-agent session learns, every later session knows."""

__version__ = "0.1.0"
