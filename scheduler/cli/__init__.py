"""The command line: schedule a request, explain a decision, check an installation."""
