"""Nova's scheduler and ours, asked the same questions; not part of what is installed."""
