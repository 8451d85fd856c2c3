"""End to end, through the door a user takes. Unit tests stand in each package's own tests."""
