"""The Python rule engine plugin (PREP), emulated: loads a rule file and runs its hooks."""
