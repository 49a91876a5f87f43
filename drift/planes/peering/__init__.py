"""What a node knows of its peers' AS, and what they leave of the routes that they pass on."""
