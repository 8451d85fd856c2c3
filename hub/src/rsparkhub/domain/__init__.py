"""What things are: sessions, environments, people, events. Pure data and pure decisions; no input or output."""
