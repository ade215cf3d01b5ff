"""Where the time goes: profiles behind the figures of ``benchmarks.speed``."""
