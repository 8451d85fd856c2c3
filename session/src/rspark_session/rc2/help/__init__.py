"""Help: a topic is asked of a console's language, words of an index of all help that is installed, kept in the home's cache."""
