"""Chaos: hub, controller and edge are killed at random moments while people start, sleep and stop their sessions.

`python -m tests.chaos --sessions 20 --rounds 30` runs a real installation and says what was lost, doubled or leaked, and
whether R's workspaces are what they should be. `harness` tells the story, `patient_client` asks the API as a program
with patience does, `person` is one who uses a session, `census` counts what there is on the machine.
"""
