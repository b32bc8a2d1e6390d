"""Reports for mail and print: of a run, and of a review sample with its figures."""
