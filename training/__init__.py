"""Training of what the product ships: ``python -m training``. The product imports nothing here."""
