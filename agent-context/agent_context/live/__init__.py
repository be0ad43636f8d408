"""Sight of the sessions beside a session: who is at work, on what, where they collide; and messages between them."""
