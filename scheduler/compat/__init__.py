"""What others wrote for another scheduler, and keep."""
