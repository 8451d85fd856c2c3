"""From what things are inside to what the API says of them."""
