"""What agents are given is laid into the projects' checkouts, and what of it reached which session is told."""
