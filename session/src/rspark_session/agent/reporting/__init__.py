"""What the ensemble uses, computes and does, told to the hub as status and record."""
