"""The canary suite: everything that must not be told carries a marker, and everything that tells is searched for it."""
