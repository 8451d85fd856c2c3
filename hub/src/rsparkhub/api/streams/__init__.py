"""Answers that go on: server-sent events, and logs that are followed."""
