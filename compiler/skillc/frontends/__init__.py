"""The dialects: each front end turns one template text into the IR."""
