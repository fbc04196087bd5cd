"""Ahead-of-time compiler from conversational skill templates to typed Python coroutines."""
