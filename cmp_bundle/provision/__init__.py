"""Making a server ready for browser phones: endpoints, dialplan, HTTPS; and taking that back."""
