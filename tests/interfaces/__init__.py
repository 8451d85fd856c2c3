"""Interfaces from an environment's file to the browser's requests, on a whole installation."""
