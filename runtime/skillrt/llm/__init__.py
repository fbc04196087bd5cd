"""Models: requests, streams of chunks, and the providers that speak to them."""
