"""What is made of what the cluster says: an observation, a sentence for a person, the logs of components. Pure."""
