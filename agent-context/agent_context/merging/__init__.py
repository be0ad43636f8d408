"""What two machines changed, brought together by field, key and line; what stays open is a conflict value."""
