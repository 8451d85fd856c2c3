"""What is known of the cluster without asking: objects as the API server's watches tell them, and agents while they start."""
