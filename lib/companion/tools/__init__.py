"""What runs sections and knows what they depend on; nothing here computes a result."""
