"""What waits for a person: proposals, verdicts, conflicts to settle, the queue and its standing."""
