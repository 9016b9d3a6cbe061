"""What an echo call is made of: session descriptions, RTP sent back, and one way to the browser."""
