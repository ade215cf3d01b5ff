"""The long fuzzing of everything that reads what others wrote; run it with ``python -m fuzz``."""
