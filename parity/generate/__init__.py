"""Cases: a generator a rule, and corners that are written down."""
