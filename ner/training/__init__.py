"""From annotated articles and raw text to model folders; the only folder that imports torch."""
