"""What happened to the knowledge base, and how to take it back."""
