"""What services cost, beside the same by hand."""
