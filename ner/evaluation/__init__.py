"""Scores, significance tests and agreement of annotations, and pages that show where they differ."""
