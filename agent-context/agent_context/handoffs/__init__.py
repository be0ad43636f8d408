"""Handoffs from machine to machine: gathered from a session and git, saved, resumed, and looked up in history."""
