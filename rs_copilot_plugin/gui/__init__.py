"""Thin views: they draw what presenters know and pass on what the user does."""
