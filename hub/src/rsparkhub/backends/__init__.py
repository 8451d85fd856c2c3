"""Where sessions run. A backend knows no users, no HTTP and no database; a new one is one folder here."""
