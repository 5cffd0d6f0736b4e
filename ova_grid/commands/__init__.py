"""The commands of `ova-grid`, one module each: arguments in, text or JSON out."""
