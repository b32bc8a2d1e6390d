"""Inference: a model folder on onnxruntime, as a spaCy pipeline; no torch."""
