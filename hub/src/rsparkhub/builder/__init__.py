"""From a session and its environment to what a backend runs. Pure: two controllers build the very same thing."""
