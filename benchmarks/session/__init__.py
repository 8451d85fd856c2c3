"""How fast a session starts, how much the way to R adds, and what a full hub costs when nobody asks it anything."""
