"""WHAT HAPPENS TO IT: rules as pure functions, and thin Prefect flows (`*_flow.py`) around them."""
