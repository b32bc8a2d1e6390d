"""Many articles through the tagger: store to store, and the tagging contract on JSONL."""
