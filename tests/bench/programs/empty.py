"""An empty script: what starting an interpreter costs."""
