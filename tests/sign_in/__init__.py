"""People sign in with accounts of other systems, real ones, through the running product and its edge."""
