"""How collections relate: what a component inherits, is like, refers to, and what a change therefore reaches."""
