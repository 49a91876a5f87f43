"""The vocabulary and the intent: typed models, loading, cross-validation, derivation. Pure."""
