"""What the ensemble uses, computes and does, reported to the hub as status and record."""
