"""What can be wrong, told as findings: a check looks at what it is given and knows nothing of who asks."""
