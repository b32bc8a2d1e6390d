"""What people annotate: what to label next, pre-labels, doccano, decisions as training data."""
