"""What an analysis must satisfy before anything believes it: checks of values against their own past and physics."""
