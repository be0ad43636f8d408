"""What one claim is to another: pairs, clusters, confirmations, confidence and age, computed on values."""
