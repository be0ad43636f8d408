"""One exchange with the remote, and all that rides on it."""
