"""Spans against spans: scores, significance, agreement, and pages that show where they differ."""
